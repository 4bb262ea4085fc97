import { expect, it } from 'vitest';
import { backoffMs } from './backoff.ts';

const waits = (random: number) =>
  [1, 2, 3, 4, 5, 100].map((failures) => backoffMs({ firstMs: 100, maxMs: 1_000 }, failures, random));

it('doubles up to its limit, and jitters in the upper half', () => {
  expect(waits(1)).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  expect(waits(0)).toEqual([50, 100, 200, 400, 500, 500]);
});
