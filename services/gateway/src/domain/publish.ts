import { hash } from 'node:crypto';
import { deviceOf, isCall } from '@pushmesh/contracts';
import type { Command, Delivery, Device, NodeRef, Reply } from '@pushmesh/contracts';
import type { NoReply } from '@pushmesh/bus';
import type { StanzaError } from '@pushmesh/xmpp';
import { stanzaErrors } from './stanza-errors.ts';
import type { PublishToNode } from './request.ts';

/** What pubsub-push says about a publish; no reply in time leaves it unverified. */
export type Authorisation = 'not-found' | 'forbidden' | 'unverified' | { readonly version: number };

/** What becomes of a publish: an error, or a delivery that has to be stored before the sender gets its `result`. */
export type PublishDecision =
  | { readonly type: 'refuse'; readonly error: StanzaError }
  | { readonly type: 'deliver'; readonly delivery: Delivery }
  | {
      readonly type: 'verify-later';
      readonly delivery: Delivery;
      readonly device: string;
      readonly secret: string;
    };

export type PublishFacts = {
  readonly host: string;
  /** The JID that the publish came from, in full: ids of IQs are unique for each of them only. */
  readonly sender: string;
  readonly iqId: string;
  readonly publish: PublishToNode;
  readonly authorisation: Authorisation;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly defaultTtlMs: number;
  readonly maxPayloadBytes: number;
};

/**
 * Decides about a publish. The order of the checks is part of the contract (after MongooseIM 6.8): node, payload shape,
 * payload size, options, right to publish.
 */
export const decidePublish = (facts: PublishFacts): PublishDecision => {
  const { host, publish, authorisation, maxPayloadBytes } = facts;
  if (authorisation === 'not-found') return refuse(stanzaErrors.nodeUnknown);
  const payload = readPayload(publish, maxPayloadBytes);
  if ('error' in payload) return refuse(payload.error);
  const device = deviceOf(publish.options);
  if (publish.areOptionsTooLarge) return refuse(stanzaErrors.preconditionNotMet('publish-options are too large'));
  if ('why' in device) return refuse(stanzaErrors.preconditionNotMet(device.why));
  if (authorisation === 'forbidden') return refuse(stanzaErrors.forbidden);
  const delivery = toDelivery(facts, device, payload.summary);
  return authorisation === 'unverified'
    ? {
        type: 'verify-later',
        delivery,
        device: deviceFingerprint(device),
        secret: secretDigest(host, publish.node, publish.options['secret']),
      }
    : { type: 'deliver', delivery };
};

const readPayload = (
  { payload }: PublishToNode,
  maxPayloadBytes: number,
): { readonly summary: Delivery['summary'] } | { readonly error: StanzaError } => {
  if (payload === 'payload-required') return { error: stanzaErrors.payloadRequired };
  if (typeof payload === 'string') return { error: stanzaErrors.payloadInvalid };
  return payload.otherBytes > maxPayloadBytes ? { error: stanzaErrors.payloadTooBig } : payload;
};

/**
 * What pubsub-push is asked about a publish. The device is left out when the publish will be refused for what it holds:
 * the node must not stand for the device of a publish that was never accepted.
 */
export const toQuestion = (
  host: string,
  publisher: string,
  publish: PublishToNode,
  maxPayloadBytes: number,
): Command<'authorise-publish'> => {
  const { node, options } = publish;
  const device = deviceOf(options);
  const isRefused = 'error' in readPayload(publish, maxPayloadBytes) || 'why' in device;
  return {
    v: 1,
    host,
    node,
    publisher,
    ...(!isRefused && { device: deviceFingerprint(device) }),
    secret: secretDigest(host, node, options['secret']),
  };
};

const refuse = (error: StanzaError): PublishDecision => ({ type: 'refuse', error });

const toDelivery = (facts: PublishFacts, device: Device, summary: Delivery['summary']): Delivery => {
  const { host, sender, iqId, publish, authorisation, now, defaultTtlMs } = facts;
  const node: NodeRef = {
    host,
    node: publish.node,
    ...(typeof authorisation === 'object' && { version: authorisation.version }),
  };
  // Nobody behind pubsub-push needs the secret.
  const { secret: _, ...options } = publish.options;
  return {
    v: 1,
    id: dedupeKey(host, sender, iqId, publish.node, [summary, publish.options]),
    node,
    ...device,
    options,
    summary,
    acceptedAt: now,
    expiresAt: now + timeToLiveMs(publish.options['time_to_live'], isCall(summary) ? shortestTtlMs : defaultTtlMs),
    attempt: 1,
  };
};

/** Seconds; what FCM keeps a message for at the most. */
const maxTtlSeconds = 2_419_200;

/** For a call, and for the `time_to_live` 0, “now or never” to the providers: it leaves our attempts a minute. */
const shortestTtlMs = 60_000;

/** Seconds as the option gives them. */
const timeToLiveMs = (option: string | undefined, fallbackMs: number): number => {
  if (option === undefined || !/^\d{1,7}$/.test(option)) return fallbackMs;
  return Math.max(shortestTtlMs, Math.min(maxTtlSeconds, Number(option)) * 1_000);
};

/**
 * The same publish, repeated, has the same key. `content` is in it because a client that starts again may count its ids
 * from 1. Hashed, so that its length is bounded.
 */
export const dedupeKey = (host: string, sender: string, iqId: string, node: string, content: unknown): string =>
  hash('sha256', JSON.stringify([host, sender, iqId, node, content]), 'base64url').slice(0, 32);

/** Names a device without telling its token: what pubsub-push compares and stores. */
export const deviceFingerprint = ({ service, mode, deviceId }: Device): string =>
  hash('sha256', JSON.stringify([service, mode, deviceId]), 'base64url').slice(0, 22);

/**
 * What stands for a secret everywhere behind the gateway; empty for none. Host and node are in it, so that it does not
 * show who has the same.
 */
export const secretDigest = (host: string, node: string, secret: string | undefined): string =>
  secret ? hash('sha256', JSON.stringify([host, node, secret]), 'base64url') : '';

/** Reads the reply to `authorise-publish`; no reply, or one that the store could not give, leaves it unverified. */
export const toAuthorisation = (reply: Reply | NoReply): Authorisation => {
  if (reply.type === 'allowed') return { version: reply.version };
  if (reply.type === 'not-found' || reply.type === 'forbidden') return reply.type;
  return 'unverified';
};
