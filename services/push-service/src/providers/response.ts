import { refuse } from '../push/category.ts';
import type { ProviderAnswer, Refusal } from '../push/category.ts';
import { parseJson } from '../push/parse-json.ts';

/** An HTTP answer of FCM or APNs, as far as it matters. */
export type ProviderResponse = {
  readonly status: number;
  readonly body: string;
  readonly headers?: {
    /** Seconds or an HTTP date (RFC 9110 §10.2.3). */
    readonly 'retry-after'?: string | undefined;
    /** When it was answered, by the clock of whoever answers (RFC 9110 §6.6.1). */
    readonly date?: string | undefined;
  };
};

/** A list of reason words with their categories, for looking up a word that may be any text (`constructor`). */
export const byWord = (reasons: Readonly<Record<string, Refusal>>): ReadonlyMap<string, Refusal> =>
  new Map(Object.entries(reasons));

/** A reason word as push services write them; anything else may be text of a message and is not passed on. */
export const isReasonWord = (value: unknown): value is string =>
  typeof value === 'string' && /^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(value);

/** Neither APNs nor Google’s APIs answer so: who has text that is no JSON is a proxy, or what stands in front of a provider in trouble. */
export const isPage = (body: string): boolean => body !== '' && parseJson(body) === undefined;

/** What an answer without a reason word means: only what its status says beyond doubt. A 404 or 410 is no proof of death. */
export const refuseWordless = ({ status, body }: ProviderResponse): ProviderAnswer => {
  // Whoever writes pages did not look at our credentials.
  if (status === 401 || status === 403) return refuse(isPage(body) ? 'service_internal' : 'auth');
  if (status === 413) return refuse('payload_too_large');
  if (status === 429) return refuse('too_many_requests');
  return refuse(status >= 500 || isInBetween(status, body) ? 'service_internal' : 'unspecified');
};

/** Whether somebody between us and the provider answered, who would answer every push so. A page with 400 may be about this one. */
const isInBetween = (status: number, body: string): boolean =>
  (status >= 300 && status < 400) || status === 407 || status === 421 || (status !== 400 && isPage(body));

/** The answer with the wait that the push service asks for. */
export const withRetryAfter = (answer: ProviderAnswer, { headers }: ProviderResponse, now: number): ProviderAnswer => {
  const retryAfter = headers?.['retry-after'];
  if (answer.category === 'ok' || retryAfter === undefined) return answer;
  const seconds = /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) : secondsUntil(retryAfter, headers?.date, now);
  return Number.isNaN(seconds) ? answer : { ...answer, retryAfterSeconds: Math.max(0, seconds) };
};

/** `NaN` when it is no date. Who names an hour means it by the clock that dated the answer, which may not be ours. */
const secondsUntil = (moment: string, answered: string | undefined, now: number): number => {
  const theirs = parseHttpDate(answered ?? '');
  return Math.ceil((parseHttpDate(moment) - (Number.isNaN(theirs) ? now : theirs)) / 1000);
};

// RFC 9110 §5.6.7: the form in use, and the two that are obsolete.
const httpDate =
  /^[A-Z][a-z]+(?:, \d\d[ -][A-Z][a-z]{2}[ -](?:\d\d){1,2}| [A-Z][a-z]{2} [ \d]\d) \d\d:\d\d:\d\d (?:GMT|\d{4})$/;

/** Milliseconds since 1970; `NaN` for any other text, of which `Date.parse` reads more than anybody means (`-5`, `1.5`). */
const parseHttpDate = (text: string): number => {
  if (!httpDate.test(text)) return Number.NaN;
  // That of asctime names no zone, and would be taken for one of here.
  return Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
};
