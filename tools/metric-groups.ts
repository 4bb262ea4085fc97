import { busMetrics } from '@pushmesh/bus';
import type { MetricGroup } from '@pushmesh/telemetry';
import { dispatcherMetrics } from '../services/dispatcher/src/metrics.ts';
import { gatewayMetrics } from '../services/gateway/src/metrics.ts';
import { pubsubPushMetrics } from '../services/pubsub-push/src/metrics.ts';
import { pushServiceMetrics } from '../services/push-service/src/metrics.ts';

/** Every metric of the mesh, grouped by the library or service that declares it. */
export const metricGroups: Readonly<Record<string, MetricGroup>> = {
  bus: busMetrics,
  gateway: gatewayMetrics,
  'pubsub-push': pubsubPushMetrics,
  dispatcher: dispatcherMetrics,
  'push-service': pushServiceMetrics,
};
