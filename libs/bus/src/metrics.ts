import { hopSeconds } from '@pushmesh/telemetry';
import type { MetricGroup, MetricsOf } from '@pushmesh/telemetry';

/** The metrics that libs/bus keeps for whichever service uses it. */
export const busMetrics = {
  connected: {
    type: 'gauge',
    name: 'pushmesh_nats_connected',
    help: '1 while NATS is connected and the streams have been ensured, otherwise 0',
    labels: [],
  },
  published: {
    type: 'counter',
    name: 'pushmesh_nats_published_total',
    help: 'JetStream publishes by how they ended: stored, duplicate, refused, timeout, disconnected, full; a message of push.result.delivered may contain many ends',
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
    help: 'Messages taken from a durable consumer by how they were settled: ack, retry, fault; a message that cannot be decoded counts once more, as unreadable',
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
    help: '1 while the consumer pulls messages, 0 while it is held or stopped',
    labels: ['durable'],
  },
  backlog: {
    type: 'gauge',
    name: 'pushmesh_queue_depth',
    help: 'Messages of a durable consumer that are waiting or in flight anywhere in the mesh',
    labels: ['durable'],
  },
  oldest: {
    type: 'gauge',
    name: 'pushmesh_queue_age_seconds',
    help: 'Age of the first stored message among those that a durable consumer has waiting or in flight (0: none). A delivery ages from when its push was accepted, others from when they were stored. Each attempt stores a delivery again, so a delivery accepted earlier may be behind the one measured',
    labels: ['durable'],
  },
} as const satisfies MetricGroup;

export type BusMetrics = MetricsOf<typeof busMetrics>;
