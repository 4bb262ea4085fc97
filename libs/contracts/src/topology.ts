// Every subject, stream and durable consumer of the mesh, as data. `ensureStreams` of libs/bus creates them; nothing else in
// the code spells a subject. A configured prefix (`staging`) turns `push.event.publish` into
// `staging.push.event.publish` and `PUSH_EVENTS` into `STAGING_PUSH_EVENTS`. Only features of nats-server 2.9 are used.

import type { End } from './outcome.ts';

/** The push services a delivery can go through: the values of the option `service`. */
export const pushServices = ['apns', 'fcm', 'webpush'] as const;
export type PushService = (typeof pushServices)[number];

/** The environments of a push service: the values of the option `mode`. */
export const modes = ['prod', 'dev'] as const;
export type Mode = (typeof modes)[number];

/** Core request/reply: one subject per command type, answered by the queue group `pubsub-push`. */
export const commandSubject = (type: string): string => `command.${type}`;
export const commandQueue = 'pubsub-push';

/** JetStream subjects. A lane is one push service and mode; each has its own durable, so that an outage holds up no other. */
export const subjects = {
  unverifiedPublish: 'push.event.publish',
  delivery: (service: PushService, mode: Mode) => `push.delivery.${service}.${mode}`,
  /** By its end, so that a consumer of one kind of end is not woken by every push. */
  result: (end: End) => `push.result.${end}`,
  parked: (service: PushService) => `push.parked.${service}`,
  /** Messages that no version of this code could read, unchanged. */
  unreadable: 'push.parked.unreadable',
} as const;

const minutes = 60_000;
const hours = 60 * minutes;
const days = 24 * hours;

export type Stream = {
  readonly name: string;
  readonly subjects: readonly string[];
  /** `workqueue`: a message is removed once it is acknowledged. `limits`: it stays until it is too old. */
  readonly retention: 'workqueue' | 'limits';
  /** What a full stream does: `new` refuses new messages, `old` drops the oldest. */
  readonly discard: 'new' | 'old';
  readonly maxAgeMs: number;
  /** Publishes with the same Nats-Msg-Id within this time are stored once. */
  readonly duplicateWindowMs: number;
};

export const streams = {
  /** Accepted publishes that pubsub-push still has to verify. */
  events: {
    name: 'PUSH_EVENTS',
    subjects: ['push.event.*'],
    retention: 'workqueue',
    discard: 'new',
    maxAgeMs: 30 * days,
    duplicateWindowMs: 10 * minutes,
  },
  /** One message for each push to one device. */
  deliveries: {
    name: 'PUSH_DELIVERIES',
    subjects: ['push.delivery.*.*'],
    retention: 'workqueue',
    discard: 'new',
    maxAgeMs: 30 * days,
    duplicateWindowMs: 10 * minutes,
  },
  /** The recorded end of every delivery. */
  results: {
    name: 'PUSH_RESULTS',
    subjects: ['push.result.*'],
    retention: 'limits',
    discard: 'old',
    maxAgeMs: 7 * days,
    duplicateWindowMs: 10 * minutes,
  },
  /** Deliveries put aside for an operator. Their end is recorded as well, so a full stream may drop the oldest. */
  parked: {
    name: 'PUSH_PARKED',
    subjects: ['push.parked.*'],
    retention: 'limits',
    discard: 'old',
    maxAgeMs: 30 * days,
    duplicateWindowMs: 10 * minutes,
  },
} as const satisfies Readonly<Record<string, Stream>>;

export type Durable = {
  readonly name: string;
  readonly stream: keyof typeof streams;
  readonly filter: string;
  /**
   * A message that is not settled within this time is given to another worker; longer work must report that it
   * is in progress.
   */
  readonly ackWaitMs: number;
  /** The most unsettled messages of all replicas together; messages that wait for their retry count too. */
  readonly maxAckPending: number;
};

const durable = (name: string, stream: keyof typeof streams, filter: string): Durable => ({
  name,
  stream,
  filter,
  ackWaitMs: 10_000,
  maxAckPending: 20_000,
});

/** The durable of one lane. */
export const deliveryDurable = (service: PushService, mode: Mode): Durable =>
  durable(`dispatcher-${service}-${mode}`, 'deliveries', subjects.delivery(service, mode));

export const durables = {
  verify: durable('pubsub-push-verify', 'events', subjects.unverifiedPublish),
  /** No other end can retire a push node. */
  feedback: durable('pubsub-push-feedback', 'results', subjects.result('unregistered')),
} as const;

/** The key-value bucket of the leases: one key for each thing that one process at a time may hold. */
export const leases = {
  bucket: 'PUSH_LEASES',
  /** A holder that dies is replaced after this time. */
  ttlMs: 3_000,
  componentStream: (component: string) => `component.${Buffer.from(component).toString('hex')}`,
} as const;

/** All durables, for `ensureStreams`. */
export const allDurables: readonly Durable[] = [
  durables.verify,
  durables.feedback,
  ...pushServices.flatMap((service) => modes.map((mode) => deliveryDurable(service, mode))),
];

/** A subject of the contracts as this NATS knows it. `prefix` is '' for none. */
export const prefixedSubject = (prefix: string, subject: string): string => (prefix ? `${prefix}.${subject}` : subject);

/** A stream or bucket name of the contracts as this NATS knows it. `prefix` is '' for none. */
export const prefixedStream = (prefix: string, name: string): string =>
  prefix ? `${prefix.toUpperCase().replaceAll('-', '_')}_${name}` : name;
