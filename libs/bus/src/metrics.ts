import { hopSeconds } from '@pushmesh/telemetry';
import type { MetricGroup, MetricsOf } from '@pushmesh/telemetry';

/** The metrics that libs/bus keeps for whichever service uses it. */
export const busMetrics = {
  connected: {
    type: 'gauge',
    name: 'pushmesh_nats_connected',
    help: '1 from when NATS is connected and the streams were made sure of until the connection is lost, else 0',
    labels: [],
  },
  published: {
    type: 'counter',
    name: 'pushmesh_nats_published_total',
    help: 'JetStream publishes by how they ended: stored, duplicate, refused, timeout, disconnected, full; one of push.result.delivered may hold many ends',
    labels: ['subject', 'result'],
  },
  publishSeconds: {
    type: 'histogram',
    name: 'pushmesh_nats_publish_seconds',
    help: 'Time from a JetStream publish to its PubAck',
    labels: ['subject'],
    buckets: hopSeconds,
  },
  received: {
    type: 'counter',
    name: 'pushmesh_nats_received_total',
    help: 'Messages taken from a durable consumer by how they were settled: ack, retry, fault; unreadable ones count as both',
    labels: ['durable', 'settled'],
  },
  inFlight: {
    type: 'gauge',
    name: 'pushmesh_nats_in_flight',
    help: 'Messages of a durable consumer that this process has taken and not yet settled',
    labels: ['durable'],
  },
  pulling: {
    type: 'gauge',
    name: 'pushmesh_nats_pulling',
    help: '1 while the consumer asks for messages, 0 while it is held or stopped',
    labels: ['durable'],
  },
  backlog: {
    type: 'gauge',
    name: 'pushmesh_queue_depth',
    help: 'Messages of a durable consumer that are waiting or in flight, in the whole mesh',
    labels: ['durable'],
  },
  oldest: {
    type: 'gauge',
    name: 'pushmesh_queue_age_seconds',
    help: 'Age of the message that was stored first of those that a durable consumer has waiting or in flight (0: none): of a delivery since its push was accepted, of others since they were stored. Each attempt stores a delivery anew, so that one accepted earlier may stand behind it',
    labels: ['durable'],
  },
} as const satisfies MetricGroup;

export type BusMetrics = MetricsOf<typeof busMetrics>;
