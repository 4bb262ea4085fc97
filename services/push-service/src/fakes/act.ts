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
  | Disturbance;

/** What is made of each act. */
type ByAct<R> = { readonly [T in Act['type']]: (act: Act & { readonly type: T }) => R };
export const byAct =
  <R>(table: ByAct<R>) =>
  (act: Act): R =>
    (table[act.type] as (each: Act) => R)(act);

const maxSlowMs = 60_000;
const accept: Act = { type: 'accept' };
const atMost = (ms: number): number => Math.min(ms, maxSlowMs);
const status = (type: 'status' | 'html', text: string, byDefault: number): Act => {
  const given = Number(text);
  return { type, status: given >= 200 && given <= 599 ? given : byDefault };
};

const retryAfter = (word: string, byDefault: RetryAfter): RetryAfter => {
  if (/^\d{1,9}$/.test(word)) return { type: 'seconds', seconds: Number(word) };
  return word === 'date' || word === 'absurd' || word === 'none' ? { type: word } : byDefault;
};

/** The acts by their first word, given the second. */
const byFirstWord: Readonly<Record<string, (second: string) => Act>> = {
  unregistered: (second) => ({
    type: 'unregistered',
    since: second === 'future' || second === 'unknown' ? second : 'first-seen',
  }),
  badtoken: () => ({ type: 'badtoken' }),
  ...Object.fromEntries(modes.map((mode) => [`${mode}only`, () => ({ type: 'only', mode }) as const])),
  throttled: (second) => ({ type: 'throttled', retryAfter: retryAfter(second, { type: 'seconds', seconds: 2 }) }),
  unavailable: (second) => ({ type: 'unavailable', retryAfter: retryAfter(second, { type: 'none' }) }),
  toolarge: (second) => ({ type: 'toolarge', always: second === 'always' }),
  word: (word) => (/^\w+$/.test(word) ? { type: 'word', word } : accept),
  status: (second) => status('status', second, 500),
  html: (second) => status('html', second, 404),
  slow: (second) => {
    const [, ms, mostMs = ms] = /^(\d+)(?:-(\d+))?$/.exec(second) ?? [];
    return ms === undefined ? accept : { type: 'slow', ms: atMost(Number(ms)), mostMs: atMost(Number(mostMs)) };
  },
  drip: (second) => ({ type: 'drip', ms: /^\d+$/.test(second) ? atMost(Number(second)) : 2_000 }),
  silence: () => ({ type: 'silence' }),
  break: () => ({ type: 'break' }),
  reset: () => ({ type: 'reset', code: constants.NGHTTP2_INTERNAL_ERROR }),
  refused: () => ({ type: 'reset', code: constants.NGHTTP2_REFUSED_STREAM }),
  goaway: (second) => (/^[A-Z]\w+$/.test(second) ? { type: 'goaway', reason: second } : { type: 'goaway' }),
  cut: () => ({ type: 'cut' }),
};

/** The act that a fault names, `throttled.date`; `undefined` when there is no such act. */
export const readAct = (text: string): Act | undefined => {
  const [first = '', second = ''] = text.split('.');
  return Object.hasOwn(byFirstWord, first) ? byFirstWord[first]?.(second) : undefined;
};

/** What a device token chooses: the words before its name, as in `unregistered.…` and `slow.500.…`; docs/sandbox.md has them. */
export const actOf = (token: string): Act => (token.includes('.') ? (readAct(token) ?? accept) : accept);

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
