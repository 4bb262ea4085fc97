import type { Http2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Answer } from '../http2-server.ts';
import { refusal } from './simulated-answer.ts';
import { createTokenCheck } from './provider-token.ts';
import type { ApnsKey } from './provider-token.ts';

const leastBetweenMs = 20 * 60_000;

type Seen = { token: string; since: number; readonly teamId: string; poisoned: boolean };

type Options = {
  readonly keys: () => readonly ApnsKey[];
  readonly clock: () => number;
  readonly onFirstValidToken: (session: Http2Session) => void;
};

/**
 * Who may push: those with a good provider token, which on one connection is of one team and changes every 20 minutes at
 * most ("TooManyProviderTokenUpdates" is then the answer to everything), or those with a client certificate.
 */
export const createAccount = ({ keys, clock, onFirstValidToken }: Options) => {
  const checkToken = createTokenCheck(keys, clock);
  const seen = new WeakMap<Http2Session, Seen>();
  const tooMany = refusal(429, 'TooManyProviderTokenUpdates');

  /** The refusal of a request of this connection; `undefined` for those who may push. */
  const mayPush = (session: Http2Session, authorization: string | undefined): Answer | undefined => {
    if (authorization === undefined && (session.socket as TLSSocket).authorized) return undefined;
    const verdict = checkToken(authorization);
    if (!verdict.ok) return refusal(403, verdict.reason);
    const { token, teamId } = verdict;
    const before = seen.get(session);
    if (!before) {
      seen.set(session, { token, teamId, since: clock(), poisoned: false });
      onFirstValidToken(session);
      return undefined;
    }
    if (before.poisoned) return tooMany;
    if (before.teamId !== teamId) return refusal(403, 'InvalidProviderToken');
    if (before.token === token) return undefined;
    before.poisoned = clock() - before.since < leastBetweenMs;
    before.token = token;
    before.since = clock();
    return before.poisoned ? tooMany : undefined;
  };

  return {
    mayPush,
    /** From now on this connection hears nothing but "TooManyProviderTokenUpdates". */
    poison: (session: Http2Session): void => {
      const before = seen.get(session);
      if (before) before.poisoned = true;
    },
  };
};
