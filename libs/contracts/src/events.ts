import { Type } from 'typebox';
import type { Static } from 'typebox';
import { message } from './message.ts';
import type { Decoded } from './message.ts';
import { Options } from './options.ts';
import { ends, outcomes } from './outcome.ts';
import { modes, pushServices } from './topology.ts';

// What travels through JetStream. A version is only ever extended, never changed: every recorded example under examples/
// must parse for ever. The trace context travels in the header `traceparent`, the dedupe key in `Nats-Msg-Id`; `results`
// have neither.

const Jid = Type.String({ minLength: 1, maxLength: 3071 });
/** Milliseconds since 1970. */
const Instant = Type.Integer({ minimum: 0 });

/**
 * The `urn:xmpp:push:summary` form (XEP-0357 §7); every field may be absent. `otherFields` are those that the XEP does not
 * name, unchanged: MongooseIM announces a call in them.
 */
export const Summary = Type.Object({
  messageCount: Type.Optional(Type.Integer({ minimum: 0 })),
  lastMessageSender: Type.Optional(Type.String()),
  lastMessageBody: Type.Optional(Type.String()),
  pendingSubscriptionCount: Type.Optional(Type.Integer({ minimum: 0 })),
  otherFields: Type.Optional(Type.Record(Type.String(), Type.String())),
});
export type Summary = Static<typeof Summary>;

/** Whether somebody is calling (XEP-0353, as MongooseIM 6.10 publishes it): a call rings now or not at all. */
export const isCall = ({ otherFields }: Summary): boolean => otherFields?.['type'] === 'jmi';

/** The push node that a delivery belongs to. `version` comes from the reply to `authorise-publish`; absent while unverified. */
const NodeRef = Type.Object({ host: Jid, node: Type.String({ minLength: 1 }), version: Type.Optional(Type.Integer()) });
export type NodeRef = Static<typeof NodeRef>;

/** One push to one device, ready to send. */
export const Delivery = Type.Object({
  v: Type.Literal(1),
  /** The dedupe key of the publish; the same for every attempt. */
  id: Type.String({ minLength: 1, maxLength: 128 }),
  node: NodeRef,
  service: Type.Enum([...pushServices]),
  mode: Type.Enum([...modes]),
  deviceId: Type.String({ minLength: 1 }),
  options: Options,
  summary: Summary,
  acceptedAt: Instant,
  /** After this the push is worthless: it ends as `expired`. */
  expiresAt: Instant,
  /** 1 for the first attempt. */
  attempt: Type.Integer({ minimum: 1 }),
  /** How many attempts counted; one that met an outage did not. Absent: none. */
  spent: Type.Optional(Type.Integer({ minimum: 0 })),
  /** A retry waits until this time. */
  notBefore: Type.Optional(Instant),
  /** The body text was already shortened, after a 413. */
  shortened: Type.Optional(Type.Boolean()),
});
export type Delivery = Static<typeof Delivery>;

/** A push that was accepted while pubsub-push was away: the delivery that it will become, and who published it. */
export const UnverifiedPublish = Type.Object({
  v: Type.Literal(1),
  publisher: Jid,
  device: Type.String({ minLength: 1 }),
  /** As in the command `authorise-publish`. */
  secret: Type.Optional(Type.String({ maxLength: 64 })),
  delivery: Delivery,
});
export type UnverifiedPublish = Static<typeof UnverifiedPublish>;

/** The recorded end of a delivery. */
export const Result = Type.Object({
  v: Type.Literal(1),
  delivery: Type.String({ minLength: 1 }),
  node: NodeRef,
  service: Type.Enum([...pushServices]),
  mode: Type.Enum([...modes]),
  end: Type.Enum([...ends]),
  outcome: Type.Enum([...outcomes]),
  /** The push API's own word, or ours; never a token or text of a message. */
  reason: Type.Optional(Type.String({ maxLength: 256 })),
  attempt: Type.Integer({ minimum: 0 }),
  acceptedAt: Instant,
  endedAt: Instant,
  /** Since when the device has been gone, if the push service says so (APNs `timestamp`). Absent: since the attempt. */
  unregisteredAt: Type.Optional(Instant),
});
export type Result = Static<typeof Result>;

/** The most results in one message. */
export const resultsPerMessage = 32;

/** A delivery that was put aside for an operator, and why. */
export const Parked = Type.Object({ v: Type.Literal(1), delivery: Delivery, result: Result });
export type Parked = Static<typeof Parked>;

export const messages = {
  delivery: message('delivery', Delivery),
  unverifiedPublish: message('unverified-publish', UnverifiedPublish),
  result: message('result', Result),
  /** Results that are recorded together: `delivered`, which is nearly all of them, and which no service waits for. */
  results: message('results', Type.Array(Result, { minItems: 1, maxItems: resultsPerMessage })),
  parked: message('parked', Parked),
} as const;

/** The results that a message of `PUSH_RESULTS` holds, one or several. */
export const readResults = (data: Uint8Array): Decoded<readonly Result[]> => {
  const together = messages.results.decode(data);
  if (together.ok) return together;
  const alone = messages.result.decode(data);
  return alone.ok ? { ok: true, value: [alone.value] } : alone;
};
