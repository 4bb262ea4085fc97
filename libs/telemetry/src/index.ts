export { createLog, nodeHash } from './log.ts';
export type { Log } from './log.ts';
export { createMetrics } from './metrics.ts';
export type { Metrics, MetricsOf } from './metrics.ts';
export { metricNames } from './names.ts';
export { nowAndThen } from './now-and-then.ts';
export { childTraceparent, newTraceparent, traceIdOf } from './trace.ts';
