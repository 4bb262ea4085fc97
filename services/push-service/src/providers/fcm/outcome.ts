import { fcmReasons } from '@pushmesh/contracts';
import { refuse } from '../../push/category.ts';
import type { ProviderAnswer, Refusal } from '../../push/category.ts';
import { parseJson } from '../../push/parse-json.ts';
import { byWord, isReasonWord, refuseWordless, withRetryAfter } from '../response.ts';
import type { ProviderResponse } from '../response.ts';

const categoryOf = byWord(fcmReasons);

type FcmError = {
  readonly status?: unknown;
  readonly message?: unknown;
  readonly details?: unknown;
};

/** What an answer of FCM means: the `errorCode` of its FcmError detail, else its `status` word, else its HTTP status. */
export const toFcmAnswer = (response: ProviderResponse, now: number): ProviderAnswer => {
  const body = parseJson(response.body) as { name?: unknown; error?: FcmError } | null | undefined;
  // Something other than FCM, such as a proxy with a page of its own, may also answer 200: an accepted message has a name.
  if (response.status === 200) return typeof body?.name === 'string' ? { category: 'ok' } : refuse('service_internal');
  const error = body?.error;
  const reason = errorCode(error?.details) ?? error?.status;
  const answer = isReasonWord(reason) ? { category: toCategory(reason, error), reason } : refuseWordless(response);
  return withRetryAfter({ ...answer, ...firstWait(answer.category, response.status) }, response, now);
};

const toCategory = (reason: string, error: FcmError | undefined): Refusal =>
  isTooBig(reason, error?.message) ? 'payload_too_large' : (categoryOf.get(reason) ?? 'unknown');

// "Scale FCM", without Retry-After: after a 429 wait at least a minute, because quotas are refilled every minute; after a
// 500 or 503 at least ten seconds.
const firstWait = (category: ProviderAnswer['category'], status: number) => {
  if (category === 'too_many_requests') return { retryAfterSeconds: 60 };
  return status === 500 || status === 503 ? { retryAfterSeconds: 10 } : {};
};

const errorCode = (details: unknown): unknown => {
  if (!Array.isArray(details)) return undefined;
  const detail: unknown = details.find(
    (each: { '@type'?: unknown } | null) => each?.['@type'] === 'type.googleapis.com/google.firebase.fcm.v1.FcmError',
  );
  return (detail as { errorCode?: unknown } | undefined)?.errorCode;
};

// FCM has no word for it: INVALID_ARGUMENT with the message "Android message is too big" (firebase-admin-go issue 580).
const isTooBig = (reason: string, message: unknown): boolean =>
  reason === 'INVALID_ARGUMENT' && typeof message === 'string' && /message is too big/i.test(message);

/** "Scale FCM": refused messages count against a project's quota too, except for 429 and Google's own faults. */
export const countsAgainstQuota = (status: number): boolean => status < 500 && status !== 429;
