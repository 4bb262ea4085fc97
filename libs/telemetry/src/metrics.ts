import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** One metric: its name, what it measures and in which unit, and its labels. Every label has a bounded set of values. */
export type Metric = {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly buckets?: readonly number[];
};

/** The metrics that a service or library declares in its `metrics.ts`. Code refers to metrics by these entries only. */
export type MetricGroup = Readonly<Record<string, Metric>>;

type Instrument<M extends Metric> = M['type'] extends 'counter'
  ? Counter<M['labels'][number]>
  : M['type'] extends 'gauge'
    ? Gauge<M['labels'][number]>
    : Histogram<M['labels'][number]>;

/** The live instruments of a group. */
export type MetricsOf<G extends MetricGroup> = { readonly [K in keyof G]: Instrument<G[K]> };

/** A registry with the metrics of the process itself (event loop lag, memory, CPU), to which groups are added. */
export type Metrics = {
  readonly registry: Registry;
  add<const G extends MetricGroup>(group: G): MetricsOf<G>;
};

/** @param service becomes the label `service` of every metric */
export const createMetrics = (service: string): Metrics => {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    add: (group) =>
      Object.fromEntries(Object.entries(group).map(([key, metric]) => [key, instrument(metric, registry)])) as never,
  };
};

const instrument = (metric: Metric, registry: Registry): Counter | Gauge | Histogram => {
  const options = { name: metric.name, help: metric.help, labelNames: metric.labels, registers: [registry] };
  if (metric.type === 'counter') return new Counter(options);
  if (metric.type === 'gauge') return new Gauge(options);
  return new Histogram({ ...options, buckets: [...(metric.buckets ?? [])] });
};
