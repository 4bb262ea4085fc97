import { refuse } from '../push/category.ts';
import type { ProviderAnswer, Refusal } from '../push/category.ts';
import { parseJson } from '../push/parse-json.ts';

/** The parts of a provider's HTTP answer that matter. */
export type ProviderResponse = {
  readonly status: number;
  readonly body: string;
  readonly headers?: {
    /** Seconds or an HTTP date (RFC 9110 §10.2.3). */
    readonly 'retry-after'?: string | undefined;
    /** When it was answered, by the clock of whoever answered (RFC 9110 §6.6.1). */
    readonly date?: string | undefined;
  };
};

/** A list of reason words with their categories, for looking up a word that may be any text (`constructor`). */
export const byWord = (reasons: Readonly<Record<string, Refusal>>): ReadonlyMap<string, Refusal> =>
  new Map(Object.entries(reasons));

/** A reason word as push services write them. Anything else may be part of a message's text, and is not passed on. */
export const isReasonWord = (value: unknown): value is string =>
  typeof value === 'string' && /^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(value);

/**
 * Neither APNs nor Google's APIs answer like this: a body that is not JSON comes from a proxy, or from whatever stands
 * in front of a provider in trouble.
 */
export const isPage = (body: string): boolean => body !== '' && parseJson(body) === undefined;

/**
 * What an answer without a reason word means: only what its status says beyond doubt. A 404 or 410 does not prove that
 * the device is gone.
 */
export const refuseWordless = ({ status, body }: ProviderResponse): ProviderAnswer => {
  // Whatever sends pages has not looked at our credentials.
  if (status === 401 || status === 403) return refuse(isPage(body) ? 'service_internal' : 'auth');
  if (status === 413) return refuse('payload_too_large');
  if (status === 429) return refuse('too_many_requests');
  return refuse(status >= 500 || isInBetween(status, body) ? 'service_internal' : 'unspecified');
};

/**
 * Whether something between us and the provider answered, which would answer every push like this. A page with 400 may
 * be about this push alone.
 */
const isInBetween = (status: number, body: string): boolean =>
  (status >= 300 && status < 400) || status === 407 || status === 421 || (status !== 400 && isPage(body));

/** The answer, with the wait that the push service asks for. */
export const withRetryAfter = (answer: ProviderAnswer, { headers }: ProviderResponse, now: number): ProviderAnswer => {
  const retryAfter = headers?.['retry-after'];
  if (answer.category === 'ok' || retryAfter === undefined) return answer;
  const seconds = /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) : secondsUntil(retryAfter, headers?.date, now);
  return Number.isNaN(seconds) ? answer : { ...answer, retryAfterSeconds: Math.max(0, seconds) };
};

/** `NaN` if it is not a date. A point in time is meant by the clock that dated the answer, which may differ from ours. */
const secondsUntil = (moment: string, answered: string | undefined, now: number): number => {
  const theirs = parseHttpDate(answered ?? '');
  return Math.ceil((parseHttpDate(moment) - (Number.isNaN(theirs) ? now : theirs)) / 1000);
};

// RFC 9110 §5.6.7: the current form and the two obsolete ones.
const httpDate =
  /^[A-Z][a-z]+(?:, \d\d[ -][A-Z][a-z]{2}[ -](?:\d\d){1,2}| [A-Z][a-z]{2} [ \d]\d) \d\d:\d\d:\d\d (?:GMT|\d{4})$/;

/**
 * Milliseconds since 1970; `NaN` for any other text. `Date.parse` alone would accept texts that mean no date (`-5`,
 * `1.5`).
 */
const parseHttpDate = (text: string): number => {
  if (!httpDate.test(text)) return Number.NaN;
  // The asctime form names no time zone, and would be read as local time.
  return Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
};
