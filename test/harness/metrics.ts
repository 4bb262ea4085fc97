/** Reads a service's metrics. */
export const readMetrics = async (ops: string): Promise<string> => (await fetch(`${ops}/metrics`)).text();

/** The sum of all series of a metric that have these labels (as `name="value"`); 0 if there are none. */
export const sumMetric = (metrics: string, name: string, ...labels: readonly string[]): number =>
  metrics
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);

/** Reads a metric of one service: see `sumMetric`. */
export const readMetric = async (ops: string, name: string, ...labels: readonly string[]): Promise<number> =>
  sumMetric(await readMetrics(ops), name, ...labels);
