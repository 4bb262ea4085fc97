export { createLog, nodeHash } from './log.ts';
export type { Log } from './log.ts';
export { createMetrics } from './metrics.ts';
export type { MetricGroup, Metrics, MetricsOf } from './metrics.ts';
export { hopSeconds, lineSeconds } from './buckets.ts';
export { nowAndThen } from './now-and-then.ts';
export { childTraceparent, newTraceparent, traceIdOf } from './trace.ts';
