import { PushApiAnswer as Answer, unregisteredAtHeader } from '@pushmesh/contracts';
import type { Delivery } from '@pushmesh/contracts';
import { Compile } from 'typebox/compile';
import type { Verdict } from '../ports.ts';

type HttpAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: unknown;
};

/** What came back from the push API: an HTTP answer, or the way in which none came. */
export type PushApiAnswer = HttpAnswer | { readonly fault: 'timeout' | 'refused' | 'reset' | 'tls' | 'unreachable' };

type Outcome = Verdict['outcome'];

const byStatus: Readonly<Record<number, Outcome>> = {
  200: 'delivered',
  400: 'rejected',
  // Of ours, not of the push: it waits until we are let in.
  401: 'unavailable',
  403: 'unavailable',
  410: 'unregistered',
  413: 'too-large',
  414: 'rejected',
  422: 'rejected',
  429: 'throttled',
  431: 'rejected',
};

/**
 * v2 answers 500 with the provider’s own word in `details` (MongoosePush `api/v2/response_encoder.ex`); v3 does so
 * for words it does not know; those in small letters are push-service’s, most of them about Web Push. These words are final; every other one is worth another try.
 */
const byReason: ReadonlyMap<string, Outcome> = new Map<string, Outcome>(
  Object.entries({
    BadCollapseId: 'rejected',
    BadDeviceToken: 'rejected',
    DeviceTokenNotForTopic: 'rejected',
    ExpiredToken: 'unregistered',
    INVALID_ARGUMENT: 'rejected',
    InvalidPushType: 'rejected',
    MissingTopic: 'rejected',
    PayloadEmpty: 'rejected',
    PayloadTooLarge: 'too-large',
    QUOTA_EXCEEDED: 'throttled',
    RESOURCE_EXHAUSTED: 'throttled',
    SENDER_ID_MISMATCH: 'rejected',
    TooManyProviderTokenUpdates: 'throttled',
    TooManyRequests: 'throttled',
    TopicDisallowed: 'rejected',
    UNREGISTERED: 'unregistered',
    Unregistered: 'unregistered',
    bad_auth: 'rejected',
    bad_endpoint: 'rejected',
    bad_p256dh: 'rejected',
    endpoint_not_allowed: 'rejected',
    invalid_notification: 'rejected',
    invalid_request: 'rejected',
    no_matching_pool: 'rejected',
    not_a_subscription: 'rejected',
    payload_too_large: 'too-large',
    redirected: 'rejected',
    too_many_requests: 'throttled',
    unregistered: 'unregistered',
    vapid_refused: 'rejected',
  } as const),
);

/**
 * Of those, what says that the provider or our credentials are in trouble, and nothing about this push. The last ones are
 * what the token endpoint of Google says (RFC 6749 §5.2).
 */
const outageReasons: ReadonlySet<string> = new Set([
  'BadCertificate',
  'BadCertificateEnvironment',
  'BadEnvironmentKeyIdInToken',
  'BadEnvironmentKeyInToken',
  'BadTopic',
  'DEADLINE_EXCEEDED',
  'ExpiredProviderToken',
  'INTERNAL',
  'IdleTimeout',
  'InternalServerError',
  'InvalidProviderToken',
  'MissingProviderToken',
  'NOT_FOUND',
  'PERMISSION_DENIED',
  'ServiceUnavailable',
  'Shutdown',
  'UNAUTHENTICATED',
  'UNAVAILABLE',
  'UnrelatedKeyIdInToken',
  'auth',
  'connection_lost',
  'internal_config',
  'request_timeout',
  'service_internal',
  'unable_to_connect',
  'access_denied',
  'invalid_client',
  'invalid_grant',
  'invalid_scope',
  'unauthorized_client',
  'unsupported_grant_type',
]);

/** What APNs, or MongoosePush in its place, says of a topic. */
const aboutTopic: ReadonlySet<string> = new Set(['BadTopic', 'UnrelatedKeyIdInToken', 'internal_config']);

/** The variables that decide whether the push API lets us in. */
const settingsOf: Readonly<Record<string, string>> = {
  401: 'PUSH_API_TOKEN',
  403: 'PUSH_API_TOKEN',
  tls: 'PUSH_API_URL, PUSH_API_CA, PUSH_API_CERT, PUSH_API_KEY',
};

/** Longest Retry-After that is believed, in seconds: what waits takes up room in its lane. */
const retryAfterCap = 300;

/** Reads an answer of the push API. Total: whatever came, there is a verdict. */
export const toVerdict = (answer: PushApiAnswer, push: Pick<Delivery, 'service' | 'options'>): Verdict => {
  if ('fault' in answer)
    return { outcome: 'unavailable', reason: answer.fault, isOut: true, ...lockedOut(answer.fault) };
  const word = reasonOf(answer.body);
  const outcome = outcomeOf(answer, word);
  const retryAfterMs = retryAfterOf(answer.headers['retry-after']);
  const unregisteredAt = instantOf(answer.headers[unregisteredAtHeader]);
  return {
    outcome,
    reason: word ?? `HTTP ${answer.status}`,
    ...(outcome === 'unavailable' && isOutage(answer, push, word) && { isOut: true }),
    ...lockedOut(answer.status),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(unregisteredAt !== undefined && { unregisteredAt }),
  };
};

const outcomeOf = ({ status, body }: HttpAnswer, word: string | undefined): Outcome => {
  if (status === 500 && word !== undefined) return byReason.get(word) ?? 'unavailable';
  const isBelieved = evidence[status]?.(body) ?? true;
  return (isBelieved ? byStatus[status] : undefined) ?? 'unavailable';
};

const isOutage = (
  { status, body }: HttpAnswer,
  { service, options }: Pick<Delivery, 'service' | 'options'>,
  word: string | undefined,
): boolean => {
  if (settingsOf[status] !== undefined) return true;
  // Behind Web Push are many servers, and everybody may bring one: what the API says of one is not about the others.
  if (service === 'webpush') return body === null || !answers.Check(body);
  // A topic of the user’s own says nothing about the others either.
  if (service === 'apns' && options['topic'] && word !== undefined && aboutTopic.has(word)) return false;
  // Something in between does not like this request: it may like the next.
  if (status === 400 || status === 422) return false;
  // The provider said of this push what no table knows.
  if (status === 520 && answers.Check(body)) return false;
  // MongoosePush answers 503 when it cannot reach the provider, and an empty 500 when the provider is slow.
  return status !== 500 || word === undefined || outageReasons.has(word);
};

/** Whether the circuit of the lane counts it: what is the fault of one push must hold up no other. */
export const isFailure = ({ isOut = false }: Verdict): boolean => isOut;

const lockedOut = (sign: number | string): Pick<Verdict, 'lockedOutBy'> => {
  const setting = settingsOf[sign];
  return setting === undefined ? {} : { lockedOutBy: setting };
};

const answers = Compile(Answer);
const isRefusal = (body: unknown): boolean => body !== null && answers.Check(body);

/**
 * A delivery ends by these, so the status is not enough: a proxy in between may answer with a page of its own. `undefined`
 * is a body that is no JSON. Of 200 no more is asked: a push that arrived would be sent again and again.
 */
const evidence: Readonly<Record<number, (body: unknown) => boolean>> = {
  200: (body) => body !== undefined,
  400: isRefusal,
  410: (body) => reasonOf(body) === 'unregistered',
  422: isRefusal,
};

/** One word: anything longer could be a text with a token in it, and would not be bounded. */
const reasonOf = (body: unknown): string | undefined => {
  if (!answers.Check(body) || body === null || 'errors' in body) return undefined;
  const word = 'reason' in body ? body.reason : body.details;
  return /^[A-Za-z_]{1,64}$/.test(word) ? word : undefined;
};

/** Seconds, as MongoosePush and push-service send it; the date form of RFC 9110 §10.2.3 is not used by either. */
const retryAfterOf = (header: string | undefined): number | undefined =>
  header !== undefined && /^\d{1,9}$/.test(header) ? Math.min(retryAfterCap, Number(header)) * 1_000 : undefined;

const instantOf = (header: string | undefined): number | undefined =>
  header !== undefined && /^\d{12,14}$/.test(header) ? Number(header) : undefined;
