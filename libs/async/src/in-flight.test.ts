import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createInFlight } from './index.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
afterEach(() => void vi.useRealTimers());

const open = () => {
  const expired: string[] = [];
  const inFlight = createInFlight<{ readonly name: string; readonly deadline: number }>(100, ({ name }) =>
    expired.push(name),
  );
  const add = (name: string, timeoutMs: number) => inFlight.add({ name, deadline: performance.now() + timeoutMs });
  return { inFlight, add, expired };
};

it('reports each entry at the first sweep after its deadline, once', () => {
  const { inFlight, add, expired } = open();
  add('late', 250);
  add('soon', 100);
  vi.advanceTimersByTime(99);
  expect(expired).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(expired).toEqual(['soon']);
  vi.advanceTimersByTime(1_000);
  expect(expired).toEqual(['soon', 'late']);
  expect(inFlight.size()).toBe(0);
});

it('reports no entry that was answered in time, and none after it was stopped', () => {
  const { inFlight, add, expired } = open();
  inFlight.free(add('answered', 50));
  add('abandoned', 150);
  vi.advanceTimersByTime(100);
  inFlight.stop();
  vi.advanceTimersByTime(1_000);
  expect([expired, inFlight.size()]).toEqual([[], 1]);
});
