import { constants } from 'node:http2';
import { modes } from '@pushmesh/contracts';
import type { Mode } from '@pushmesh/contracts';

/** The `retry-after` header of an answer (RFC 9110 §10.2.3): seconds, a date, a number that is far too large, or absent. */
export type RetryAfter =
  { readonly type: 'seconds'; readonly seconds: number } | { readonly type: 'date' | 'absurd' | 'none' };

/** A failure of the stream or connection that carries a request. The sender gets it in place of an answer. */
export type TransportFault =
  | { readonly type: 'silence' | 'cut' | 'break' }
  /** RST_STREAM; `code` is an error code of RFC 9113 §7. */
  | { readonly type: 'reset'; readonly code: number }
  /** GOAWAY; its last stream ID is that of the stream before this one. */
  | { readonly type: 'goaway'; readonly reason?: string };

/** What a fake does with a push. The prefix of the device token selects it, or a fault that covers many pushes. */
export type Behaviour =
  | { readonly type: 'accept' | 'badtoken' }
  /** `since`: what the `timestamp` of APNs says. */
  | { readonly type: 'unregistered'; readonly since: 'first-seen' | 'future' | 'unknown' }
  /** The token belongs to this environment of APNs only. */
  | { readonly type: 'only'; readonly mode: Mode }
  | { readonly type: 'throttled' | 'unavailable'; readonly retryAfter: RetryAfter }
  /** `always`, or only while the body of the alert exceeds `shortBodyBytes`. */
  | { readonly type: 'toolarge'; readonly always: boolean }
  /** A reason of APNs or an error code of FCM, with the status that belongs to it. */
  | { readonly type: 'word'; readonly word: string }
  /** A status without the provider's reason; `html` adds a page for people. */
  | { readonly type: 'status' | 'html'; readonly status: number }
  /** Accepted after a random time between `ms` and `mostMs`. */
  | { readonly type: 'slow'; readonly ms: number; readonly mostMs: number }
  /** Accepted; the answer takes `ms` to trickle in. */
  | { readonly type: 'drip'; readonly ms: number }
  /** The prefix is unknown, or its argument is invalid. */
  | { readonly type: 'mistaken'; readonly why: string }
  | TransportFault;

/** An alert body of up to this many bytes passes `toolarge`. */
export const shortBodyBytes = 512;

/** No delay is longer than this; a longer one is cut to it. */
export const maxDelayMs = 60_000;

/** Maps each behaviour by its type. */
export const matchBehaviour =
  <R>(table: { readonly [T in Behaviour['type']]: (behaviour: Behaviour & { readonly type: T }) => R }) =>
  (behaviour: Behaviour): R =>
    // TypeScript cannot see that the entry and the behaviour have the same type.
    (table[behaviour.type] as (each: Behaviour) => R)(behaviour);

/** The behaviour that the `answer` of a fault names, such as `throttled.date`. */
export const parseBehaviour = (text: string): Behaviour => {
  const [prefix = '', argument, ...rest] = text.split('.');
  return (rest.length === 0 ? prefixes.get(prefix)?.(argument) : undefined) ?? mistaken(prefix);
};

/**
 * The behaviour that a device token selects by its prefix, as in `unregistered.anna` and `slow.500.anna`; docs/sandbox.md
 * lists the prefixes. Real tokens contain no dot, so a token with a dot and without a valid prefix is `mistaken`.
 */
export const behaviourOf = (token: string): Behaviour => {
  const [prefix = '', second, ...rest] = token.split('.');
  if (second === undefined) return { type: 'accept' };
  const parse = prefixes.get(prefix);
  // In `prefix.second`, the second part is the device's name unless it is a valid argument.
  const behaviour = parse?.(second) ?? (rest.length === 0 ? parse?.() : undefined);
  return (
    behaviour ??
    mistaken(prefix, rest.length === 0 ? '' : `: ${quoted(second)} is not one of its arguments, and a name has no dot`)
  );
};

/** Why the prefix of this token is invalid; `undefined` for a valid token. */
export const mistakeIn = (token: string): string | undefined => {
  const behaviour = behaviourOf(token);
  return behaviour.type === 'mistaken' ? behaviour.why : undefined;
};

/** The value of the `retry-after` header; `now` in milliseconds since 1970. */
export const retryAfterHeader = (retryAfter: RetryAfter, now: number): string | undefined => {
  switch (retryAfter.type) {
    case 'seconds':
      return String(retryAfter.seconds);
    case 'date':
      return new Date(now + 5_000).toUTCString();
    case 'absurd':
      return '999999999999';
    case 'none':
      return undefined;
  }
};

/** The behaviour for a prefix with this argument, or without one; `undefined` if the prefix does not take it. */
type ParseArgument = (argument?: string) => Behaviour | undefined;

const withoutArgument =
  (behaviour: Behaviour): ParseArgument =>
  (argument) =>
    argument === undefined ? behaviour : undefined;

const withStatus =
  (type: 'status' | 'html', byDefault: number): ParseArgument =>
  (argument = String(byDefault)) =>
    /^[2-5]\d\d$/.test(argument) ? { type, status: Number(argument) } : undefined;

const withRetryAfter =
  (type: 'throttled' | 'unavailable', byDefault: RetryAfter): ParseArgument =>
  (argument) => {
    if (argument === undefined) return { type, retryAfter: byDefault };
    if (/^\d{1,9}$/.test(argument)) return { type, retryAfter: { type: 'seconds', seconds: Number(argument) } };
    const isKnown = argument === 'date' || argument === 'absurd' || argument === 'none';
    return isKnown ? { type, retryAfter: { type: argument } } : undefined;
  };

const atMost = (ms: number): number => Math.min(ms, maxDelayMs);

const prefixes: ReadonlyMap<string, ParseArgument> = new Map<string, ParseArgument>([
  [
    'unregistered',
    (since = 'first-seen') =>
      since === 'first-seen' || since === 'future' || since === 'unknown' ? { type: 'unregistered', since } : undefined,
  ],
  ['badtoken', withoutArgument({ type: 'badtoken' })],
  ...modes.map((mode) => [`${mode}only`, withoutArgument({ type: 'only', mode })] as const),
  ['throttled', withRetryAfter('throttled', { type: 'seconds', seconds: 2 })],
  ['unavailable', withRetryAfter('unavailable', { type: 'none' })],
  [
    'toolarge',
    (size) => (size === undefined || size === 'always' ? { type: 'toolarge', always: size === 'always' } : undefined),
  ],
  ['word', (word = '') => (/^\w+$/.test(word) ? { type: 'word', word } : undefined)],
  ['status', withStatus('status', 500)],
  ['html', withStatus('html', 404)],
  [
    'slow',
    (time = '') => {
      const [, ms, mostMs = ms] = /^(\d+)(?:-(\d+))?$/.exec(time) ?? [];
      return ms === undefined ? undefined : { type: 'slow', ms: atMost(Number(ms)), mostMs: atMost(Number(mostMs)) };
    },
  ],
  ['drip', (ms = '2000') => (/^\d+$/.test(ms) ? { type: 'drip', ms: atMost(Number(ms)) } : undefined)],
  ['silence', withoutArgument({ type: 'silence' })],
  ['break', withoutArgument({ type: 'break' })],
  ['reset', withoutArgument({ type: 'reset', code: constants.NGHTTP2_INTERNAL_ERROR })],
  ['refused', withoutArgument({ type: 'reset', code: constants.NGHTTP2_REFUSED_STREAM })],
  [
    'goaway',
    (reason) => {
      if (reason === undefined) return { type: 'goaway' };
      return /^[A-Z]\w+$/.test(reason) ? { type: 'goaway', reason } : undefined;
    },
  ],
  ['cut', withoutArgument({ type: 'cut' })],
]);

/** `why` is part of the answers of the control API and of the sandbox. */
const mistaken = (prefix: string, hint = ''): Behaviour & { readonly type: 'mistaken' } => {
  const why = prefixes.has(prefix)
    ? `${quoted(prefix)} cannot have what follows it${hint}`
    : `${quoted(prefix)} is not one of ${[...prefixes.keys()].join(', ')}`;
  return { type: 'mistaken', why: `${why} (docs/sandbox.md)` };
};

const quoted = (text: string): string => `"${text}"`;
