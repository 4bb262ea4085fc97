import { expect, it } from 'vitest';
import { createQuotas } from './quota.ts';

it('delivers the collapsible messages of a device in one burst, then one every three minutes, and the newest of each key', () => {
  let now = 0;
  const quotas = createQuotas(() => now);
  const minutes = (key: string, device = 'a') => quotas.collapsibleDelay(device, key) / 60_000;
  expect(minutes('')).toBe(0);
  quotas.set({ collapsibleBurst: 2 });
  expect([minutes(''), minutes('')]).toEqual([0, 0]);
  expect([minutes(''), minutes(''), minutes('call'), minutes('', 'b')]).toEqual([3, 3, 6, 0]);
  now += 120_000;
  expect([minutes(''), minutes('call')]).toEqual([1, 4]);
  now += 240_000;
  expect(minutes('')).toBe(3);
  now += 86_400_000;
  expect([minutes(''), minutes(''), minutes('')]).toEqual([0, 0, 3]);
});
