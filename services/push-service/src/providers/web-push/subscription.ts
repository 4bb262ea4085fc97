import { ECDH } from 'node:crypto';
import type { WebPushReason } from '@pushmesh/contracts';
import { parseJson } from '../../push/parse-json.ts';
import type { SubscriptionKeys } from './encryption.ts';

type SubscriptionProblem = Extract<WebPushReason, 'not_a_subscription' | `bad_${string}`>;

/** Where a browser or UnifiedPush app receives its pushes, and how they are encrypted. */
export type Subscription = { readonly endpoint: URL; readonly keys: SubscriptionKeys };

type ParsedSubscription =
  | { readonly ok: true; readonly subscription: Subscription }
  /** One word that quotes nothing of what was read. */
  | { readonly ok: false; readonly problem: SubscriptionProblem };

/** UnifiedPush allows 1000 bytes; the longest browser endpoints (WNS) have about 600. */
const maxEndpoint = 2_000;

/**
 * Reads a browser's `JSON.stringify(subscription)` (W3C Push API, `PushSubscription.toJSON`), or the same with the keys beside
 * the endpoint.
 */
export const parseSubscription = (text: string): ParsedSubscription => {
  const json = parseJson(text);
  if (!isObject(json)) return { ok: false, problem: 'not_a_subscription' };
  const given = isObject(json['keys']) ? json['keys'] : json;
  const endpoint = readEndpoint(json['endpoint']);
  if (!endpoint) return { ok: false, problem: 'bad_endpoint' };
  const p256dh = readBytes(given['p256dh']);
  if (!p256dh || !isPoint(p256dh)) return { ok: false, problem: 'bad_p256dh' };
  const auth = readBytes(given['auth']);
  if (auth?.length !== 16) return { ok: false, problem: 'bad_auth' };
  return { ok: true, subscription: { endpoint, keys: { p256dh, auth } } };
};

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const readEndpoint = (given: unknown): URL | undefined => {
  if (typeof given !== 'string' || given.length > maxEndpoint || !URL.canParse(given)) return undefined;
  const url = new URL(given);
  return url.protocol === 'https:' && url.username === '' && url.password === '' ? url : undefined;
};

// Base64url without padding, says the specification; apps have been seen with either alphabet, and with padding.
const readBytes = (given: unknown): Buffer | undefined =>
  typeof given === 'string' && /^[\w+/-]+={0,2}$/.test(given) ? Buffer.from(given, 'base64') : undefined;

/** Uncompressed and on the curve: any other point would give away parts of our key (RFC 8291 §7). */
const isPoint = (p256dh: Buffer): boolean => {
  if (p256dh.length !== 65 || p256dh[0] !== 4) return false;
  try {
    ECDH.convertKey(p256dh, 'prime256v1');
    return true;
  } catch {
    return false;
  }
};
