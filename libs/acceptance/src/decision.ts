import { deviceOf } from '@pushmesh/contracts';
import type { Command, Delivery, Device, Reply, UnverifiedPublish } from '@pushmesh/contracts';
import type { NoReply } from '@pushmesh/bus';
import { dedupeKey, deviceFingerprint, secretDigest, toDelivery } from './delivery.ts';
import type { Payload, PayloadFault, Push } from './push.ts';

/** What pubsub-push says about a push; without a reply in time the push is `unverified`. */
export type Authorisation = 'not-found' | 'forbidden' | 'unverified' | { readonly version: number };

/** Why a push is not accepted, in no protocol's words. The list is closed: each source has an answer for every type. */
export type Refusal =
  | { readonly type: 'unknown-node' | PayloadFault | 'payload-too-big' | 'options-too-large' | 'forbidden' }
  /** The options do not say where to push; `why` quotes no value of them. */
  | { readonly type: 'incomplete-options'; readonly why: string }
  /** The push could not be stored. That passes: the source may try again. */
  | { readonly type: 'unavailable' };
export type RefusalType = Refusal['type'];

/** What becomes of a push: a refusal, or what has to be stored before its source is told `accepted`. */
export type AcceptanceDecision =
  | { readonly type: 'refuse'; readonly refusal: Refusal }
  | { readonly type: 'deliver'; readonly delivery: Delivery }
  | { readonly type: 'verify-later'; readonly publish: UnverifiedPublish };

export type AcceptanceFacts = {
  readonly push: Push;
  readonly authorisation: Authorisation;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** How long a push is worth delivering if its options do not say, milliseconds. */
  readonly defaultTtlMs: number;
  readonly maxPayloadBytes: number;
};

/**
 * Decides whether a push is accepted. The order of the checks is part of the contract (after MongooseIM 6.8): node, payload
 * shape, payload size, options, right to publish.
 */
export const decideAcceptance = (facts: AcceptanceFacts): AcceptanceDecision => {
  const { push, authorisation, maxPayloadBytes } = facts;
  const { host, node, publisher, sender, requestId, options } = push;
  if (authorisation === 'not-found') return refuse({ type: 'unknown-node' });
  const payload = checkPayload(push, maxPayloadBytes);
  if (typeof payload === 'string') return refuse({ type: payload });
  if (options === 'too-large') return refuse({ type: 'options-too-large' });
  const device = deviceOf(options);
  if ('why' in device) return refuse({ type: 'incomplete-options', why: device.why });
  if (authorisation === 'forbidden') return refuse({ type: 'forbidden' });

  const { summary } = payload;
  const delivery = toDelivery({
    id: dedupeKey(host, sender, requestId, node, [summary, options]),
    node: { host, node, ...(authorisation !== 'unverified' && { version: authorisation.version }) },
    device,
    options,
    summary,
    now: facts.now,
    defaultTtlMs: facts.defaultTtlMs,
  });
  if (authorisation !== 'unverified') return { type: 'deliver', delivery };
  const secret = secretDigest(host, node, options['secret']);
  return { type: 'verify-later', publish: { v: 1, publisher, device: deviceFingerprint(device), secret, delivery } };
};

const refuse = (refusal: Refusal): AcceptanceDecision => ({ type: 'refuse', refusal });

const checkPayload = ({ payload }: Push, maxPayloadBytes: number): Payload | PayloadFault | 'payload-too-big' =>
  typeof payload === 'object' && payload.otherBytes > maxPayloadBytes ? 'payload-too-big' : payload;

/**
 * What pubsub-push is asked about a push. The device is left out if the push will be refused for its content: the node must
 * not stand for the device of a push that was never accepted.
 */
export const toAuthoriseCommand = (push: Push, maxPayloadBytes: number): Command<'authorise-publish'> => {
  const { host, node, publisher, options } = push;
  const device = acceptableDevice(push, maxPayloadBytes);
  return {
    v: 1,
    host,
    node,
    publisher,
    ...(device && { device: deviceFingerprint(device) }),
    secret: secretDigest(host, node, options === 'too-large' ? undefined : options['secret']),
  };
};

const acceptableDevice = (push: Push, maxPayloadBytes: number): Device | undefined => {
  if (push.options === 'too-large' || typeof checkPayload(push, maxPayloadBytes) === 'string') return undefined;
  const device = deviceOf(push.options);
  return 'why' in device ? undefined : device;
};

/** Reads the reply to `authorise-publish`. If there is none, or the store could not tell, the push stays unverified. */
export const toAuthorisation = (reply: Reply | NoReply): Authorisation => {
  if (reply.type === 'allowed') return { version: reply.version };
  if (reply.type === 'not-found' || reply.type === 'forbidden') return reply.type;
  return 'unverified';
};
