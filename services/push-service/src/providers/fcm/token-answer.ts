import { refuse } from '../../push/category.ts';
import { parseJson } from '../../push/parse-json.ts';
import { isReasonWord, withRetryAfter } from '../response.ts';
import type { TokenAnswer } from './token-endpoint.ts';

/** Why there is no access token. */
export type TokenFailure = {
  /** `refused`: the credentials are at fault, and only the operator can help. `unavailable`: it will pass. */
  readonly type: 'refused' | 'unavailable';
  /** The word of RFC 6749 §5.2 (`invalid_grant` …), or our own. */
  readonly reason: string;
  /** How many seconds the endpoint asks to wait. */
  readonly retryAfterSeconds?: number;
};

type Grant = { readonly type: 'token'; readonly token: string; readonly lifetimeMs: number } | TokenFailure;

/** Reads an answer of the token endpoint (RFC 6749 §5); `now` in milliseconds since 1970. */
export const readTokenAnswer = (answer: TokenAnswer, now: number): Grant => {
  if (answer.type === 'fault') return { type: 'unavailable', reason: 'unable_to_connect' };
  const { status, body } = answer;
  const json = parseJson(body) as TokenBody | null | undefined;
  if (status === 200) return readToken(json) ?? { type: 'unavailable', reason: 'malformed_answer' };
  // Only a 4xx that says in OAuth's words what is wrong is a verdict on the credentials.
  const word = json?.error;
  if (status >= 400 && status < 500 && status !== 429 && isReasonWord(word)) return { type: 'refused', reason: word };
  const waiting = withRetryAfter(refuse('service_internal'), answer, now);
  const asked = waiting.category === 'ok' ? undefined : waiting.retryAfterSeconds;
  return { type: 'unavailable', reason: `HTTP_${status}`, ...(asked !== undefined && { retryAfterSeconds: asked }) };
};

type TokenBody = { readonly access_token?: unknown; readonly expires_in?: unknown; readonly error?: unknown };

const readToken = (json: TokenBody | null | undefined): Grant | undefined => {
  const { access_token: token, expires_in: seconds } = json ?? {};
  // The token goes into a header.
  if (typeof token !== 'string' || !/^[!-~]+$/.test(token)) return undefined;
  return typeof seconds === 'number' && seconds > 0 ? { type: 'token', token, lifetimeMs: seconds * 1000 } : undefined;
};
