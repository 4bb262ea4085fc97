import { PushApiAnswer as Answer, unregisteredAtHeader } from '@pushmesh/contracts';
import type { PushService } from '@pushmesh/contracts';
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
 * v1 and v2 answer 500 with the provider’s own word in `details` (MongoosePush `api/v2/response_encoder.ex`); v3 does so
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

/** The variables that decide whether the push API lets us in. */
const settingsOf: Readonly<Record<string, string>> = {
  401: 'PUSH_API_TOKEN',
  403: 'PUSH_API_TOKEN',
  tls: 'PUSH_API_CA, PUSH_API_CERT, PUSH_API_KEY',
};

/** Longest Retry-After that is believed, in seconds: what waits takes up room in its lane. */
const retryAfterCap = 300;

/** Reads an answer of the push API. Total: whatever came, there is a verdict. */
export const toVerdict = (answer: PushApiAnswer, service: PushService): Verdict => {
  if ('fault' in answer)
    return { outcome: 'unavailable', reason: answer.fault, isOut: true, ...lockedOut(answer.fault) };
  const word = reasonOf(answer.body);
  const outcome =
    byStatus[answer.status] ?? (answer.status === 500 && word ? byReason.get(word) : undefined) ?? 'unavailable';
  const retryAfterMs = retryAfterOf(answer.headers['retry-after']);
  const unregisteredAt = instantOf(answer.headers[unregisteredAtHeader]);
  return {
    outcome,
    reason: word ?? `HTTP ${answer.status}`,
    ...(outcome === 'unavailable' && isOutage(answer, service, word) && { isOut: true }),
    ...lockedOut(answer.status),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(unregisteredAt !== undefined && { unregisteredAt }),
  };
};

const isOutage = ({ status, body }: HttpAnswer, service: PushService, word: string | undefined): boolean => {
  if (settingsOf[status] !== undefined) return true;
  // Behind Web Push are many servers, and everybody may bring one: what the API says of one is not about the others.
  if (service === 'webpush') return body === null || !answers.Check(body);
  // MongoosePush answers 503 when it cannot reach the provider, and an empty 500 when the provider is slow.
  return status !== 500 || word === undefined;
};

/** Whether the circuit of the lane counts it. One of Web Push opens only when the push API itself is not reached. */
export const isFailure = ({ outcome, isOut = false }: Verdict, service: PushService): boolean =>
  service === 'webpush' ? isOut : outcome === 'unavailable';

const lockedOut = (sign: number | string): Pick<Verdict, 'lockedOutBy'> => {
  const setting = settingsOf[sign];
  return setting === undefined ? {} : { lockedOutBy: setting };
};

const answers = Compile(Answer);

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
