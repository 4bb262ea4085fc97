import { expect, it } from 'vitest';
import { createSlots } from './slots.ts';

it('gives each thing a place of its own, and a free place to the next', () => {
  const slots = createSlots<string>();
  const [a, b, c] = ['a', 'b', 'c'].map(slots.add) as [number, number, number];
  expect(new Set([a, b, c]).size).toBe(3);
  slots.free(b);
  slots.free(b);
  expect([slots.size(), slots.at(b), slots.all()]).toEqual([2, undefined, ['a', 'c']]);
  expect(slots.add('d')).toBe(b);
  expect([slots.at(a), slots.at(b), slots.at(c), slots.size()]).toEqual(['a', 'd', 'c', 3]);
  for (const place of [a, b, c]) slots.free(place);
  expect([slots.size(), slots.all()]).toEqual([0, []]);
});
