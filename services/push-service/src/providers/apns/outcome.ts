import { apnsReasons, wrongTopicReasons } from '@pushmesh/contracts';
import { refuse } from '../../push/category.ts';
import type { ProviderAnswer } from '../../push/category.ts';
import { parseJson } from '../../push/parse-json.ts';
import { byWord, isReasonWord, refuseWordless, withRetryAfter } from '../response.ts';
import type { ProviderResponse } from '../response.ts';

const categoryOf = byWord(apnsReasons);

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

/**
 * The answer to a push whose topic is not the operator's: it came with the request, or there is none. A wrong topic stays
 * wrong, and only for this push. It is not an outage, as MongoosePush has it, for which the push would be tried again and
 * again and others held back.
 */
export const blameTopic = (answer: ProviderAnswer): ProviderAnswer =>
  answer.category !== 'ok' && isAboutTopic(answer.reason)
    ? { category: 'invalid_request', reason: answer.reason }
    : answer;

const isAboutTopic = (reason: string): boolean => reason === 'MissingTopic' || wrongTopicReasons.has(reason);

const isInstant = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;
