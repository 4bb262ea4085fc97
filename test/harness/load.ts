/** Operations per second, latencies in milliseconds (`NaN` where none were measured) and operations that failed. */
export type LoadResult = {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly failed: number;
};

/**
 * Keeps `callers` operations in flight until `count` have finished.
 * @param operation resolves to false if it failed
 * @param perSecond the highest rate at which operations are started
 */
export const runLoad = async (
  count: number,
  callers: number,
  operation: (index: number) => Promise<boolean>,
  perSecond = Number.POSITIVE_INFINITY,
): Promise<LoadResult> => {
  const latencies: number[] = [];
  let next = 0;
  let failed = 0;
  const started = performance.now();
  const caller = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) {
      const due = started + (index / perSecond) * 1000;
      if (due > performance.now()) await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
      const before = performance.now();
      if (!(await operation(index))) failed += 1;
      latencies.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const seconds = (performance.now() - started) / 1000;
  latencies.sort((a, b) => a - b);
  return { perSecond: count / seconds, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99), failed };
};

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
