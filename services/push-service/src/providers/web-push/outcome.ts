import type { ProviderAnswer, Refusal } from '../../push/category.ts';
import { withRetryAfter } from '../response.ts';
import type { ProviderResponse } from '../response.ts';

type Meaning = { readonly category: Refusal; readonly reason?: string };

/** RFC 8030 §5 to §8, RFC 8292 §4. */
const byStatus: Readonly<Record<number, Meaning>> = {
  // The subscription was made for another VAPID key. Whoever subscribes chooses who answers, so no such answer may pass
  // for an outage of ours, which would hold back the others.
  401: { category: 'invalid_request', reason: 'vapid_refused' },
  403: { category: 'invalid_request', reason: 'vapid_refused' },
  404: { category: 'unregistered' },
  408: { category: 'service_internal' },
  410: { category: 'unregistered' },
  413: { category: 'payload_too_large' },
  425: { category: 'service_internal' },
  429: { category: 'too_many_requests' },
};

/** What the answer of a push service means. Only its status counts: every push service has its own bodies. */
export const toWebPushAnswer = (response: Omit<ProviderResponse, 'body'>, now: number): ProviderAnswer => {
  const { status } = response;
  if (status >= 200 && status < 300) return { category: 'ok' };
  const { category, reason = category } = byStatus[status] ?? byClass(status);
  return withRetryAfter({ category, reason }, { ...response, body: '' }, now);
};

const byClass = (status: number): Meaning => {
  // Redirects are not followed: that would be a way around the address guard.
  if (status >= 300 && status < 400) return { category: 'invalid_request', reason: 'redirected' };
  // This includes ntfy's 507, sent while nobody listens: it does not prove that the subscription is gone.
  return { category: status >= 500 ? 'service_internal' : 'invalid_request' };
};
