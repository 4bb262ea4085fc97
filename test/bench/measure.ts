import { readMetrics, sumMetric } from '../harness/metrics.ts';
import type { LoadResult } from '../harness/load.ts';

export type BenchOptions = {
  /** An empty folder for this run. */
  readonly dataDir: string;
  /** Factor for the number of operations. */
  readonly scale: number;
  readonly report: (line: string) => void;
};

/** One row of the report: what a run achieved, and what each process used for it. */
export type Figure = {
  readonly name: string;
  readonly run: LoadResult;
  readonly used: Readonly<Record<string, ResourceUse>>;
};

/** What one process used: CPU microseconds per operation, and resident memory in MB after the run. */
export type ResourceUse = { readonly cpuUs: number; readonly rssMb: number };

/** Operations before those that are measured. Until V8 has compiled the code, each costs up to several times as much. */
export const warmUp = 15_000;

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};

/** A run whose latencies were not measured. */
export const throughput = (perSecond: number, failed = 0): LoadResult => ({
  perSecond,
  p50: Number.NaN,
  p99: Number.NaN,
  failed,
});

/**
 * Measures what each process used for `operations` operations while `act` ran.
 * @param processes the ops URL of each process, by its name in the report
 */
export const measureUse = async <T>(
  processes: Readonly<Record<string, string>>,
  operations: number,
  act: () => Promise<T>,
): Promise<{ readonly result: T; readonly used: Readonly<Record<string, ResourceUse>> }> => {
  const names = Object.keys(processes);
  const samples = () => Promise.all(names.map((name) => sample(processes[name] ?? '')));
  const before = await samples();
  const result = await act();
  const after = await samples();
  const usedBy = names.map((name, index) => {
    const cpuSeconds = (after[index]?.cpuSeconds ?? 0) - (before[index]?.cpuSeconds ?? 0);
    return [name, { cpuUs: (cpuSeconds / operations) * 1e6, rssMb: (after[index]?.rssBytes ?? 0) / 1e6 }] as const;
  });
  return { result, used: Object.fromEntries(usedBy) };
};

type Sample = { readonly cpuSeconds: number; readonly rssBytes: number };

/** Reads the metrics that a service exports about its own process. */
const sample = async (ops: string): Promise<Sample> => {
  const metrics = await readMetrics(ops);
  return {
    cpuSeconds: sumMetric(metrics, 'process_cpu_seconds_total'),
    rssBytes: sumMetric(metrics, 'process_resident_memory_bytes'),
  };
};
