/** Figures of one run: operations per second and the latencies in milliseconds. */
export type Run = { readonly perSecond: number; readonly p50: number; readonly p99: number; readonly failed: number };

/** What one process used: CPU microseconds for each operation, resident memory in MB after the run. */
export type Used = { readonly cpuUs: number; readonly rssMb: number };

/** Operations before the measured ones: until then V8 still compiles, and each costs up to several times as much. */
export const warmUp = 15_000;

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

/** Keeps `callers` operations under way until `count` have ended; `perSecond` caps the rate at which they begin. */
export const load = async (
  count: number,
  callers: number,
  operation: (index: number) => Promise<boolean>,
  perSecond = Number.POSITIVE_INFINITY,
): Promise<Run> => {
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

type Sample = { readonly cpuSeconds: number; readonly rssBytes: number };

/** Reads what a service says about its own process. */
const sample = async (ops: string): Promise<Sample> => {
  const text = await (await fetch(`${ops}/metrics`)).text();
  const value = (name: string) =>
    Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
  return { cpuSeconds: value('process_cpu_seconds_total'), rssBytes: value('process_resident_memory_bytes') };
};

/** What each process used for `operations` operations, while `act` ran. */
export const used = async <T>(
  processes: Readonly<Record<string, string>>,
  operations: number,
  act: () => Promise<T>,
): Promise<{ readonly result: T; readonly used: Readonly<Record<string, Used>> }> => {
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
