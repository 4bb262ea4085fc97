import { parseJson } from '../../../../services/push-service/src/push/parse-json.ts';
import { byAct, retryAfterText, shortBodyBytes } from '../behaviour.ts';
import type { Act, Disturbance, RetryAfter } from '../behaviour.ts';
import type { Answer } from '../http2-server.ts';
import type { ApnsRequest } from './request-checks.ts';

export const refusal = (status: number, reason: string, more: object = {}): Answer => ({
  type: 'answer',
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ reason, ...more }),
});

/** "Handling notification responses from APNs": the words that do not come with a 400. */
const statuses: Readonly<Record<string, number>> = {
  BadCertificate: 403,
  BadCertificateEnvironment: 403,
  BadEnvironmentKeyIdInToken: 403,
  BadEnvironmentKeyInToken: 403,
  ExpiredProviderToken: 403,
  Forbidden: 403,
  InvalidProviderToken: 403,
  MissingProviderToken: 403,
  UnrelatedKeyIdInToken: 403,
  BadPath: 404,
  MethodNotAllowed: 405,
  ExpiredToken: 410,
  Unregistered: 410,
  PayloadTooLarge: 413,
  TooManyProviderTokenUpdates: 429,
  TooManyRequests: 429,
  InternalServerError: 500,
  ServiceUnavailable: 503,
  Shutdown: 503,
};

const dayMs = 86_400_000;

type Circumstances = {
  /** Milliseconds since 1970: the token was seen first. */
  readonly deadSince: () => number;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The environment, where the fake plays one. */
  readonly mode: string | undefined;
};

/** What APNs answers when it plays this; `undefined` when the push is accepted. */
export const refusalOf = (act: Act, request: ApnsRequest, around: Circumstances): Answer | Disturbance | undefined =>
  refusals(act)(request, around);

type Refusal = (request: ApnsRequest, around: Circumstances) => Answer | Disturbance | undefined;

const accepted = (): Refusal => () => undefined;
const badToken = refusal(400, 'BadDeviceToken');
const played =
  (act: Disturbance): Refusal =>
  () =>
    act;

const refusals = byAct<Refusal>({
  accept: accepted,
  slow: accepted,
  drip: accepted,
  unregistered:
    ({ since }) =>
    (_request, around) =>
      unregistered(since, around),
  badtoken: () => () => badToken,
  mistaken: () => () => badToken,
  only:
    (act) =>
    (_request, { mode }) =>
      mode === undefined || mode === act.mode ? undefined : badToken,
  throttled:
    (act) =>
    (_request, { now }) =>
      withRetryAfter(refusal(429, 'TooManyRequests'), act.retryAfter, now),
  unavailable:
    (act) =>
    (_request, { now }) =>
      withRetryAfter(refusal(503, 'ServiceUnavailable'), act.retryAfter, now),
  toolarge: (act) => (request) =>
    act.always || alertBodyBytes(request) > shortBodyBytes ? refusal(413, 'PayloadTooLarge') : undefined,
  word:
    ({ word }) =>
    () =>
      refusal(statuses[word] ?? 400, word),
  status:
    ({ status }) =>
    () => ({ type: 'answer', status }),
  html:
    ({ status }) =>
    () => ({
      type: 'answer',
      status,
      headers: { 'content-type': 'text/html' },
      body: '<html>no</html>',
    }),
  silence: played,
  cut: played,
  break: played,
  reset: played,
  goaway: played,
});

const unregistered = (since: 'first-seen' | 'future' | 'unknown', { deadSince, now }: Circumstances): Answer => {
  if (since === 'unknown') return refusal(410, 'Unregistered');
  return refusal(410, 'Unregistered', { timestamp: since === 'future' ? now + dayMs : deadSince() });
};

const withRetryAfter = (answer: Answer, wanted: RetryAfter, now: number): Answer => {
  const value = retryAfterText(wanted, now);
  return value === undefined ? answer : { ...answer, headers: { ...answer.headers, 'retry-after': value } };
};

const alertBodyBytes = ({ body }: ApnsRequest): number => {
  const payload = parseJson(body) as { aps?: { alert?: { body?: unknown } } } | null | undefined;
  const text = payload?.aps?.alert?.body;
  return typeof text === 'string' ? Buffer.byteLength(text) : 0;
};
