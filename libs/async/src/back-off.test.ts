import { expect, it } from 'vitest';
import { backOffMs } from './index.ts';
import type { Jitter } from './index.ts';

const waits = (jitter: Jitter, random: number) =>
  [1, 2, 3, 4, 5, 2_000].map((failures) => backOffMs({ firstMs: 100, maxMs: 1_000 }, failures, jitter, random));

it.each([
  ['full', [0, 0, 0, 0, 0, 0]],
  ['equal', [50, 100, 200, 400, 500, 500]],
] as const)('doubles up to its maximum; with %s jitter the shortest waits are %j', (jitter, least) => {
  expect(waits(jitter, 1)).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  expect(waits(jitter, 0)).toEqual(least);
});

it('never waits when the first wait is zero, however many failures there were', () => {
  expect(backOffMs({ firstMs: 0, maxMs: 1_000 }, 2_000, 'equal', 1)).toBe(0);
});
