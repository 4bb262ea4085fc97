import { refuse } from '../../push/category.ts';
import type { ProviderAnswer } from '../../push/category.ts';
import { parseJson } from '../../push/parse-json.ts';
import { byWord, isReasonWord, refuseWordless, withRetryAfter } from '../response.ts';
import type { ProviderResponse } from '../response.ts';

// "Handling notification responses from APNs": the reason words, sorted as MongoosePush sorts them. It does not know the
// last word of `unregistered`, `InvalidPushType`, the last three of `auth`, and takes IdleTimeout for our fault.
const categoryOf = byWord({
  invalid_request: [
    'BadCollapseId',
    'BadDeviceToken',
    'DeviceTokenNotForTopic',
    'Forbidden',
    'PayloadEmpty',
    'TopicDisallowed',
  ],
  unregistered: ['Unregistered', 'ExpiredToken'],
  payload_too_large: ['PayloadTooLarge'],
  too_many_requests: ['TooManyRequests', 'TooManyProviderTokenUpdates'],
  internal_config: [
    'BadExpirationDate',
    'BadMessageId',
    'BadPath',
    'BadPriority',
    'BadTopic',
    'DuplicateHeaders',
    'InvalidPushType',
    'MethodNotAllowed',
    'MissingDeviceToken',
    'MissingTopic',
  ],
  auth: [
    'BadCertificate',
    'BadCertificateEnvironment',
    'ExpiredProviderToken',
    'InvalidProviderToken',
    'MissingProviderToken',
    'BadEnvironmentKeyInToken',
    'BadEnvironmentKeyIdInToken',
    'UnrelatedKeyIdInToken',
  ],
  service_internal: ['IdleTimeout', 'InternalServerError', 'ServiceUnavailable', 'Shutdown'],
});

/** What an answer of APNs means. Its status counts only if it gives no reason. */
export const toApnsAnswer = (response: ProviderResponse, now: number): ProviderAnswer => {
  // APNs accepts a push without a word; a 200 with a page comes from a proxy.
  if (response.status === 200) return response.body === '' ? { category: 'ok' } : refuse('service_internal');
  const body = parseJson(response.body) as { reason?: unknown; timestamp?: unknown } | null | undefined;
  const reason = body?.reason;
  if (!isReasonWord(reason)) return withRetryAfter(refuseWordless(response), response, now);
  const category = categoryOf.get(reason) ?? 'unknown';
  const deadSince = category === 'unregistered' && isInstant(body?.timestamp) ? body.timestamp : undefined;
  const answer = { category, reason, ...(deadSince !== undefined && { unregisteredAt: deadSince }) };
  return withRetryAfter(answer, response, now);
};

const aboutTopic: ReadonlySet<string> = new Set(['BadTopic', 'MissingTopic', 'UnrelatedKeyIdInToken']);

/**
 * The answer to a push whose topic is not the operator's: it came with the request, or there is none. A wrong topic stays
 * wrong, and only for this push. It is not an outage, as MongoosePush has it, for which the push would be tried again and
 * again and others held back.
 */
export const blameTopic = (answer: ProviderAnswer): ProviderAnswer =>
  answer.category !== 'ok' && aboutTopic.has(answer.reason)
    ? { category: 'invalid_request', reason: answer.reason }
    : answer;

const isInstant = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;
