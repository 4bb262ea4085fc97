import { constants } from 'node:http2';
import { modes } from '@pushmesh/contracts';
import type { Mode } from '@pushmesh/contracts';

/** When a push may be tried again, as the `retry-after` header says it (RFC 9110 §10.2.3). */
export type RetryAfter =
  { readonly type: 'seconds'; readonly seconds: number } | { readonly type: 'date' | 'absurd' | 'none' };

/** What happens to the stream or connection of a request instead of an answer. */
export type Disturbance =
  | { readonly type: 'silence' | 'cut' | 'break' }
  /** `code` of RFC 9113 §7. */
  | { readonly type: 'reset'; readonly code: number }
  /** The last stream that the peer counts is the one before this. */
  | { readonly type: 'goaway'; readonly reason?: string };

/** What a fake plays: for one device, chosen by what stands first in its token, or as a fault for all. */
export type Act =
  | { readonly type: 'accept' | 'badtoken' }
  | { readonly type: 'unregistered'; readonly since: 'first-seen' | 'future' | 'unknown' }
  /** A token of the other environment of APNs. */
  | { readonly type: 'only'; readonly mode: Mode }
  | { readonly type: 'throttled' | 'unavailable'; readonly retryAfter: RetryAfter }
  | { readonly type: 'toolarge'; readonly always: boolean }
  /** A reason word of APNs or error code of FCM, with the status that belongs to it. */
  | { readonly type: 'word'; readonly word: string }
  /** A status without any word, or with a page for people. */
  | { readonly type: 'status' | 'html'; readonly status: number }
  /** Accepted, after a time between the two. */
  | { readonly type: 'slow'; readonly ms: number; readonly mostMs: number }
  /** Accepted; the answer takes so long to trickle in. */
  | { readonly type: 'drip'; readonly ms: number }
  /** A token of words that are none. */
  | { readonly type: 'mistaken'; readonly why: string }
  | Disturbance;

/** A body of at most this many bytes is short enough for a device that finds everything too large. */
export const shortBodyBytes = 512;

/** What is made of each act. */
type ByAct<R> = { readonly [T in Act['type']]: (act: Act & { readonly type: T }) => R };
export const byAct =
  <R>(table: ByAct<R>) =>
  (act: Act): R =>
    (table[act.type] as (each: Act) => R)(act);

/** Whatever is slow is no slower than this; what is named longer counts as this. */
export const maxSlowMs = 60_000;
const atMost = (ms: number): number => Math.min(ms, maxSlowMs);
const isCount = (text: string): boolean => /^\d{1,9}$/.test(text);

/** What an argument makes of a word, `undefined` when it is none of this word’s; called without one, too. */
type Word = (argument?: string) => Act | undefined;

const alone =
  (act: Act): Word =>
  (argument) =>
    argument === undefined ? act : undefined;

const status =
  (type: 'status' | 'html', byDefault: number): Word =>
  (argument = String(byDefault)) =>
    /^[2-5]\d\d$/.test(argument) ? { type, status: Number(argument) } : undefined;

const later =
  (type: 'throttled' | 'unavailable', byDefault: RetryAfter): Word =>
  (argument) => {
    if (argument === undefined) return { type, retryAfter: byDefault };
    if (isCount(argument)) return { type, retryAfter: { type: 'seconds', seconds: Number(argument) } };
    const known = argument === 'date' || argument === 'absurd' || argument === 'none';
    return known ? { type, retryAfter: { type: argument } } : undefined;
  };

const words: ReadonlyMap<string, Word> = new Map<string, Word>([
  [
    'unregistered',
    (since = 'first-seen') =>
      since === 'first-seen' || since === 'future' || since === 'unknown' ? { type: 'unregistered', since } : undefined,
  ],
  ['badtoken', alone({ type: 'badtoken' })],
  ...modes.map((mode) => [`${mode}only`, alone({ type: 'only', mode })] as const),
  ['throttled', later('throttled', { type: 'seconds', seconds: 2 })],
  ['unavailable', later('unavailable', { type: 'none' })],
  [
    'toolarge',
    (size) => (size === undefined || size === 'always' ? { type: 'toolarge', always: size === 'always' } : undefined),
  ],
  ['word', (word = '') => (/^\w+$/.test(word) ? { type: 'word', word } : undefined)],
  ['status', status('status', 500)],
  ['html', status('html', 404)],
  [
    'slow',
    (time = '') => {
      const [, ms, mostMs = ms] = /^(\d+)(?:-(\d+))?$/.exec(time) ?? [];
      return ms === undefined ? undefined : { type: 'slow', ms: atMost(Number(ms)), mostMs: atMost(Number(mostMs)) };
    },
  ],
  ['drip', (ms = '2000') => (/^\d+$/.test(ms) ? { type: 'drip', ms: atMost(Number(ms)) } : undefined)],
  ['silence', alone({ type: 'silence' })],
  ['break', alone({ type: 'break' })],
  ['reset', alone({ type: 'reset', code: constants.NGHTTP2_INTERNAL_ERROR })],
  ['refused', alone({ type: 'reset', code: constants.NGHTTP2_REFUSED_STREAM })],
  [
    'goaway',
    (reason) => {
      if (reason === undefined) return { type: 'goaway' };
      return /^[A-Z]\w+$/.test(reason) ? { type: 'goaway', reason } : undefined;
    },
  ],
  ['cut', alone({ type: 'cut' })],
]);

const mistaken = (first: string, hint = ''): Act & { readonly type: 'mistaken' } => {
  const why = words.has(first)
    ? `“${first}” cannot stand with what follows it${hint}`
    : `“${first}” is none of ${[...words.keys()].join(', ')}`;
  return { type: 'mistaken', why: `${why} (docs/sandbox.md)` };
};

/** The act that a fault names, as `throttled.date` does. */
export const readAct = (text: string): Act => {
  const [first = '', argument, ...rest] = text.split('.');
  return (rest.length === 0 ? words.get(first)?.(argument) : undefined) ?? mistaken(first);
};

/**
 * What a device token chooses: the words before its name, as in `unregistered.anna` and `slow.500.anna`; docs/sandbox.md has
 * them. No real token has a dot, so one with a dot is words, and words that are none are somebody’s mistake.
 */
export const actOf = (token: string): Act => {
  const [first = '', second, ...rest] = token.split('.');
  if (second === undefined) return { type: 'accept' };
  const word = words.get(first);
  // Of two parts, the second is the name where it cannot be an argument.
  const act = word?.(second) ?? (rest.length === 0 ? word?.() : undefined);
  return (
    act ?? mistaken(first, rest.length === 0 ? '' : `: “${second}” is none of its arguments, and a name has no dot`)
  );
};

/** Why nobody will push to this device; `undefined` when its token is right. */
export const mistakeIn = (token: string): string | undefined => {
  const act = actOf(token);
  return act.type === 'mistaken' ? act.why : undefined;
};

/** The value of the header; `now` in milliseconds since 1970. */
export const retryAfterText = (wanted: RetryAfter, now: number): string | undefined => {
  switch (wanted.type) {
    case 'seconds':
      return String(wanted.seconds);
    case 'date':
      return new Date(now + 5_000).toUTCString();
    case 'absurd':
      return '999999999999';
    case 'none':
      return undefined;
  }
};
