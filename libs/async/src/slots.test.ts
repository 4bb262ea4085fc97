import { expect, it } from 'vitest';
import { createSlots } from './index.ts';
import type { Slots } from './index.ts';

const entriesOf = <T>(slots: Slots<T>): (readonly [number, T])[] => {
  const entries: (readonly [number, T])[] = [];
  slots.forEach((entry, index) => entries.push([index, entry]));
  return entries;
};

it('gives each entry a slot of its own, and a freed slot to the next entry', () => {
  const slots = createSlots<string>();
  const [a, b, c] = ['a', 'b', 'c'].map(slots.add) as [number, number, number];
  expect(new Set([a, b, c]).size).toBe(3);
  slots.free(b);
  slots.free(b);
  expect([slots.size(), slots.at(b)]).toEqual([2, undefined]);
  expect(entriesOf(slots)).toEqual([
    [a, 'a'],
    [c, 'c'],
  ]);
  expect(slots.add('d')).toBe(b);
  expect([slots.at(a), slots.at(b), slots.at(c), slots.size()]).toEqual(['a', 'd', 'c', 3]);
  slots.forEach((_entry, index) => slots.free(index));
  expect([slots.size(), entriesOf(slots)]).toEqual([0, []]);
});
