import type { Delivery, Outcome } from '@pushmesh/contracts';

/** How one call of the push API ended, as an outcome. */
export type Verdict = {
  readonly outcome: Extract<
    Outcome,
    'delivered' | 'unregistered' | 'rejected' | 'too-large' | 'throttled' | 'unavailable' | 'held'
  >;
  /** The push API's own word, or ours; never a token or text of a message. */
  readonly reason: string;
  /** An outage, which says nothing about this delivery and spends none of its attempts. */
  readonly isOut?: boolean;
  /** The variables to look at if the push API does not let us in, so that no push gets through. */
  readonly lockedOutBy?: string;
  /** Milliseconds to wait, if the push API says so. */
  readonly retryAfterMs?: number;
  /** Milliseconds since 1970: since then the device has been gone. */
  readonly unregisteredAt?: number;
};

/** The push API behind its circuit. Refusals, timeouts and an open circuit are verdicts; a throw is a bug. */
export type PushApi = {
  send(delivery: Delivery, traceparent: string): Promise<Verdict>;
};
