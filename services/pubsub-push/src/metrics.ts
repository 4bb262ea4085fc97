import { hopSeconds } from '@pushmesh/telemetry';
import type { MetricGroup, MetricsOf } from '@pushmesh/telemetry';

/** The metrics of pubsub-push. */
export const pubsubPushMetrics = {
  commands: {
    type: 'counter',
    name: 'pushmesh_commands_total',
    help: 'Commands by type and reply',
    labels: ['command', 'reply'],
  },
  commandSeconds: {
    type: 'histogram',
    name: 'pushmesh_command_seconds',
    help: 'Time to answer a command',
    labels: ['command'],
    buckets: hopSeconds,
  },
  verified: {
    type: 'counter',
    name: 'pushmesh_publishes_verified_total',
    help: 'Publishes that were stored unverified, by their later verdict',
    labels: ['verdict'],
  },
  feedback: {
    type: 'counter',
    name: 'pushmesh_feedback_total',
    help: 'Reports of an unregistered device, by their effect on the push node: retire, or none because the report is stale or the node gone',
    labels: ['decision'],
  },
  storeUp: {
    type: 'gauge',
    name: 'pushmesh_redis_connected',
    help: '1 while the connection to Redis is up, else 0',
    labels: [],
  },
} as const satisfies MetricGroup;

export type PubsubPushMetrics = MetricsOf<typeof pubsubPushMetrics>;
