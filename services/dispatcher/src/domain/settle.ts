import { backOffMs } from '@pushmesh/async';
import { cutText, policies } from '@pushmesh/contracts';
import type { Delivery, End, Outcome, Result } from '@pushmesh/contracts';
import type { Verdict } from '../ports.ts';

/** What becomes of a delivery: what has to be stored, and what happens to the message it came in. */
export type Decision =
  /** It ended: the result is stored, and the delivery is parked if an operator should see it. */
  | { readonly type: 'end'; readonly result: Result }
  /** Another attempt: this delivery is stored in its place. */
  | { readonly type: 'again'; readonly delivery: Delivery }
  /** Untouched: the same message comes back after the delay. */
  | { readonly type: 'wait'; readonly delayMs: number };

export type RetrySettings = {
  readonly maxAttempts: number;
  readonly baseMs: number;
  readonly capMs: number;
  /** How long a message that met an open circuit waits. */
  readonly holdMs: number;
};

/** Octets of body text that are kept after a 413: enough for a line on a lock screen. */
export const shortBodyBytes = 512;

/** Before the attempt: is the delivery due, and still worth it? `undefined` means: send it. */
export const beforeAttempt = (delivery: Delivery, now: number): Decision | undefined => {
  if (delivery.expiresAt <= now) return ended(delivery, 'expired', 'deadline', now);
  if (delivery.notBefore !== undefined && delivery.notBefore > now)
    return { type: 'wait', delayMs: delivery.notBefore - now };
  return undefined;
};

/** After the attempt: applies the policy of the outcome. */
export const settle = (
  delivery: Delivery,
  verdict: Verdict,
  settings: RetrySettings,
  now: number,
  random: () => number,
): Decision => {
  const policy = policies[verdict.outcome];
  switch (policy.step) {
    case 'end':
      return ended(delivery, verdict.outcome, verdict.reason, now, verdict.unregisteredAt);
    case 'hold':
      return { type: 'wait', delayMs: settings.holdMs * (1 + random()) };
    case 'shorten':
      return shorten(delivery, verdict, now);
    case 'retry':
      return retry(delivery, verdict, settings, now, random);
  }
};

const retry = (
  delivery: Delivery,
  verdict: Verdict,
  settings: RetrySettings,
  now: number,
  random: () => number,
): Decision => {
  const spent = (delivery.spent ?? 0) + (verdict.isOut ? 0 : 1);
  if (spent >= settings.maxAttempts) return ended(delivery, 'exhausted', verdict.reason, now);
  const notBefore = now + Math.max(1, Math.round(retryDelay(delivery.attempt, verdict.retryAfterMs, settings, random)));
  // After a wait past the deadline it would only expire: it ends now, with the reason of the last attempt.
  if (notBefore >= delivery.expiresAt) return ended(delivery, 'expired', verdict.reason, now);
  return { type: 'again', delivery: { ...delivery, attempt: delivery.attempt + 1, spent, notBefore } };
};

/**
 * Exponential back-off with full jitter; never before the time that the push API asks for, which is spread by a tenth so that
 * not all come at once.
 */
const retryDelay = (
  attempt: number,
  retryAfterMs: number | undefined,
  { baseMs, capMs }: RetrySettings,
  random: () => number,
): number => {
  const backOff = backOffMs({ firstMs: baseMs, maxMs: capMs }, attempt, 'full', random());
  return retryAfterMs === undefined ? backOff : Math.max(retryAfterMs * (1 + random() / 10), backOff);
};

const shorten = (delivery: Delivery, verdict: Verdict, now: number): Decision => {
  const body = delivery.summary.lastMessageBody;
  if (delivery.shortened || body === undefined || Buffer.byteLength(body) <= shortBodyBytes)
    return ended(delivery, verdict.outcome, verdict.reason, now);
  const summary = { ...delivery.summary, lastMessageBody: cutText(body, shortBodyBytes) };
  return { type: 'again', delivery: { ...delivery, summary, shortened: true, attempt: delivery.attempt + 1 } };
};

const endOf = (outcome: Outcome): End => {
  const policy = policies[outcome];
  return policy.step === 'end' ? policy.end : 'parked';
};

const ended = (
  delivery: Delivery,
  outcome: Outcome,
  reason: string,
  now: number,
  unregisteredAt?: number,
): Decision => ({
  type: 'end',
  result: {
    v: 1,
    delivery: delivery.id,
    node: delivery.node,
    service: delivery.service,
    mode: delivery.mode,
    end: endOf(outcome),
    outcome,
    reason,
    attempt: delivery.attempt,
    acceptedAt: delivery.acceptedAt,
    endedAt: now,
    ...(unregisteredAt !== undefined && { unregisteredAt }),
  },
});
