import { backOffMs } from '@pushmesh/async';
import { toTokenForm } from './assertion.ts';
import type { ServiceAccount } from './service-account.ts';
import { readTokenAnswer } from './token-answer.ts';
import type { TokenFailure } from './token-answer.ts';
import type { TokenEndpoint } from './token-endpoint.ts';

/** An access token to send with, or why there is none and for how many seconds it is pointless to ask again. */
export type AccessToken =
  { readonly type: 'token'; readonly token: string } | (TokenFailure & { readonly retryAfterSeconds: number });

/** What came of requesting a new token; `waitMs` until the next request. */
export type Renewal =
  { readonly type: 'token'; readonly lifetimeMs: number } | (TokenFailure & { readonly waitMs: number });

type Options = {
  readonly account: ServiceAccount;
  /** The token endpoint, instead of the one that the service account names. */
  readonly tokenUri?: string;
  readonly endpoint: TokenEndpoint;
  /** Milliseconds since 1970; may be wrong. */
  readonly clock: () => number;
  /**
   * Milliseconds that only ever grow (`performance.now`), so that the age of a token does not depend on the time of
   * day.
   */
  readonly uptime: () => number;
  /** [0, 1) */
  readonly random: () => number;
  readonly onRenewal?: (renewal: Renewal) => void;
};

/** How long before its end a token is renewed; up to a fifth earlier, so that replicas do not all renew at once. */
const renewBeforeMs = 300_000;
const backoff = { firstMs: 1_000, maxMs: 60_000 };
/** The longest wait that is granted to Google's Retry-After. */
const maxRetryAfterMs = 600_000;
/** If a token is refused within its first minute, the next one would be refused as well. */
const minAgeOfRefusedMs = 60_000;
/** A difference between the clocks that may be the reason why an assertion was refused. */
const maxSkewMs = 60_000;

type Held = { readonly token: string; readonly from: number; readonly renewAt: number; readonly deadAt: number };
type Failed = TokenFailure & { readonly attempts: number; readonly until: number };

/**
 * The access token of one service account (RFC 7523), shared by everything that sends on its behalf. It is renewed when it is
 * asked for, by one request at a time, and early: while the old token is valid, nobody waits and an outage does no harm. A
 * caller that always wants a token at hand asks every minute.
 */
export const createOAuth = ({ tokenUri, endpoint, clock, uptime, random, onRenewal, ...given }: Options) => {
  let account = given.account;
  let held: Held | undefined;
  let failed: Failed | undefined;
  let renewing: Promise<void> | undefined;
  let skewMs = 0;

  const ask = async (by: ServiceAccount) => {
    const uri = tokenUri ?? by.tokenUri;
    const answer = await endpoint(uri, toTokenForm(by, uri, clock() + skewMs));
    const theirs = answer.type === 'answer' ? Date.parse(answer.headers['date'] ?? '') : Number.NaN;
    return { grant: readTokenAnswer(answer, clock()), skewMs: Number.isNaN(theirs) ? skewMs : theirs - clock() };
  };

  const renew = async (by: ServiceAccount) => {
    let from = uptime();
    let asked = await ask(by);
    if (asked.grant.type === 'refused' && Math.abs(asked.skewMs - skewMs) > maxSkewMs) {
      // Our clock is off: once more, by Google's.
      skewMs = asked.skewMs;
      from = uptime();
      asked = await ask(by);
    }
    if (by !== account) return;
    const { grant } = asked;
    if (grant.type !== 'token') return fail(grant);
    const early = Math.min(renewBeforeMs, grant.lifetimeMs / 2) * (1 + random() / 5);
    const deadAt = from + grant.lifetimeMs;
    held = { token: grant.token, from, renewAt: deadAt - early, deadAt };
    failed = undefined;
    onRenewal?.({ type: 'token', lifetimeMs: grant.lifetimeMs });
  };

  const fail = (failure: TokenFailure) => {
    const attempts = (failed?.attempts ?? 0) + 1;
    const askedMs = Math.min((failure.retryAfterSeconds ?? 0) * 1000, maxRetryAfterMs);
    const waitMs = Math.max(backOffMs(backoff, attempts, 'equal', random()), askedMs);
    failed = { ...failure, attempts, until: uptime() + waitMs };
    onRenewal?.({ ...failure, waitMs });
  };

  const startRenewal = () => {
    const mine = renew(account).finally(() => {
      if (renewing === mine) renewing = undefined;
    });
    renewing = mine;
  };

  const renewIfDue = () => {
    const due = uptime() >= (held?.renewAt ?? 0) && uptime() >= (failed?.until ?? 0);
    if (due && !renewing) startRenewal();
  };

  const living = () => (held && uptime() < held.deadAt ? held : undefined);

  const afterRenewal = async (): Promise<AccessToken> => {
    // A swap replaces the renewal that is being waited for.
    while (renewing) await renewing;
    const token = living()?.token;
    if (token !== undefined) return { type: 'token', token };
    const { type, reason, until } = failed ?? { type: 'unavailable', reason: 'no_token', until: 0 };
    return { type, reason, retryAfterSeconds: Math.max(1, Math.ceil((until - uptime()) / 1000)) };
  };

  const accessToken = (): AccessToken | Promise<AccessToken> => {
    renewIfDue();
    const token = living()?.token;
    return token === undefined ? afterRenewal() : { type: 'token', token };
  };

  return {
    /** The token to send with: a promise only if there is no valid one. */
    accessToken,

    /**
     * The token to send with instead of one that was answered with 401. It is the same token if no other is to be had, or if
     * it is so new that another would fare no better.
     */
    replacementOf: async (refused: string): Promise<AccessToken> => {
      if (held?.token !== refused) return accessToken();
      if (uptime() - held.from >= minAgeOfRefusedMs) held = { ...held, renewAt: 0 };
      renewIfDue();
      return afterRenewal();
    },

    /** Switches to another key or account. The old token is used until there is a new one. */
    swap: (next: ServiceAccount): void => {
      account = next;
      failed = undefined;
      startRenewal();
    },
  };
};

export type OAuth = ReturnType<typeof createOAuth>;
