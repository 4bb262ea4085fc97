import { webPushReasons } from '@pushmesh/contracts';
import type { WebPushReason } from '@pushmesh/contracts';
import { refuse } from '../../push/category.ts';
import type { ProviderAnswer } from '../../push/category.ts';
import { withRetryAfter } from '../response.ts';
import type { ProviderResponse } from '../response.ts';

/** A refusal in one of our own words about Web Push. */
export const refuseFor = (reason: WebPushReason): ProviderAnswer => ({ category: webPushReasons[reason], reason });

/** RFC 8030 §5 to §8, RFC 8292 §4. */
const byStatus: Readonly<Record<number, ProviderAnswer>> = {
  401: refuseFor('vapid_refused'),
  403: refuseFor('vapid_refused'),
  404: refuse('unregistered'),
  408: refuse('service_internal'),
  410: refuse('unregistered'),
  413: refuse('payload_too_large'),
  425: refuse('service_internal'),
  429: refuse('too_many_requests'),
};

/** What the answer of a push service means. Only its status counts: every push service has its own bodies. */
export const toWebPushAnswer = (response: Omit<ProviderResponse, 'body'>, now: number): ProviderAnswer => {
  const { status } = response;
  if (status >= 200 && status < 300) return { category: 'ok' };
  return withRetryAfter(byStatus[status] ?? byClass(status), { ...response, body: '' }, now);
};

const byClass = (status: number): ProviderAnswer => {
  // Redirects are not followed: that would be a way around the address guard.
  if (status >= 300 && status < 400) return refuseFor('redirected');
  // This includes ntfy's 507, sent while nobody listens: it does not prove that the subscription is gone.
  return refuse(status >= 500 ? 'service_internal' : 'invalid_request');
};
