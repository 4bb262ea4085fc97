export { createLog, nodeHash } from './log.ts';
export type { Log } from './log.ts';
export { createMetrics } from './metrics.ts';
export type { MetricGroup, Metrics, MetricsOf } from './metrics.ts';
export { hopSeconds } from './buckets.ts';
export { createThrottle } from './throttle.ts';
export type { Throttle } from './throttle.ts';
export { childTraceparent, newTraceparent, traceIdOf } from './trace.ts';
