import { hopSeconds } from '@pushmesh/telemetry';
import type { MetricGroup, MetricsOf } from '@pushmesh/telemetry';

/** Histogram buckets in seconds for the whole line: from the accepted publish to its recorded end. */
const lineSeconds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 60, 300, 1800, 3600, 14400, 86400] as const;

/** The metrics of the dispatcher. */
export const dispatcherMetrics = {
  outcomes: {
    type: 'counter',
    name: 'pushmesh_delivery_outcomes_total',
    help: 'Attempts to deliver, by outcome',
    labels: ['push_service', 'mode', 'outcome'],
  },
  pushApiSeconds: {
    type: 'histogram',
    name: 'pushmesh_push_api_seconds',
    help: 'Time that one call of the push API took, by outcome',
    labels: ['push_service', 'outcome'],
    buckets: hopSeconds,
  },
  endedSeconds: {
    type: 'histogram',
    name: 'pushmesh_delivery_ended_seconds',
    help: 'Time from the accepted publish to the recorded end of its delivery',
    labels: ['push_service', 'end'],
    buckets: lineSeconds,
  },
  circuit: {
    type: 'gauge',
    name: 'pushmesh_circuit_state',
    help: 'State of the circuit: 0 closed, 1 half open, 2 open',
    labels: ['push_service', 'mode'],
  },
} as const satisfies MetricGroup;

export type DispatcherMetrics = MetricsOf<typeof dispatcherMetrics>;
