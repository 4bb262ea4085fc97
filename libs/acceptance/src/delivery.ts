import { hash } from 'node:crypto';
import { isCall } from '@pushmesh/contracts';
import type { Delivery, Device, NodeRef, Options, Summary } from '@pushmesh/contracts';

export type DeliveryFacts = {
  /** See `dedupeKey`. */
  readonly id: string;
  readonly node: NodeRef;
  readonly device: Device;
  readonly options: Options;
  readonly summary: Summary;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** How long the push is worth delivering if its options do not say, milliseconds. */
  readonly defaultTtlMs: number;
};

/** The delivery of one push to one device, before its first attempt. */
export const toDelivery = ({
  id,
  node,
  device,
  options: given,
  summary,
  now,
  defaultTtlMs,
}: DeliveryFacts): Delivery => {
  // Nobody behind pubsub-push needs the secret.
  const { secret: _, ...options } = given;
  return {
    v: 1,
    id,
    node,
    ...device,
    options,
    summary,
    acceptedAt: now,
    expiresAt: now + timeToLiveMs(options['time_to_live'], isCall(summary) ? shortestTtlMs : defaultTtlMs),
    attempt: 1,
  };
};

/** Seconds: FCM keeps no message for longer. */
const maxTtlSeconds = 2_419_200;

/** For a call, and for the `time_to_live` 0, "now or never" to the providers: it leaves a minute for our attempts. */
const shortestTtlMs = 60_000;

/** `option` is in seconds. */
const timeToLiveMs = (option: string | undefined, fallbackMs: number): number => {
  if (option === undefined || !/^\d{1,7}$/.test(option)) return fallbackMs;
  return Math.max(shortestTtlMs, Math.min(maxTtlSeconds, Number(option)) * 1_000);
};

/**
 * The id of a delivery: the same push, repeated, has the same one. `content` is part of it because a client that restarts
 * may count its request ids from 1 again. Hashed, so that its length is bounded.
 */
export const dedupeKey = (host: string, sender: string, requestId: string, node: string, content: unknown): string =>
  hash('sha256', JSON.stringify([host, sender, requestId, node, content]), 'base64url').slice(0, 32);

/** Names a device without revealing its token: what pubsub-push compares and stores. */
export const deviceFingerprint = ({ service, mode, deviceId }: Device): string =>
  hash('sha256', JSON.stringify([service, mode, deviceId]), 'base64url').slice(0, 22);

/**
 * The digest that replaces a secret everywhere behind the source; empty: no secret. Host and node are part of it, so that it
 * does not show which nodes have the same secret.
 */
export const secretDigest = (host: string, node: string, secret: string | undefined): string =>
  secret ? hash('sha256', JSON.stringify([host, node, secret]), 'base64url') : '';
