import type { Http2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Answer } from '../http2-reply.ts';
import type { FakeRequest } from '../http2-server.ts';
import { createProviderTokenCheck } from './provider-token.ts';
import type { ApnsKey } from './provider-token.ts';
import { refusal } from './refusal.ts';

/** "Refresh your token no more than once every 20 minutes" ("Establishing a token-based connection to APNs") */
const minUpdateIntervalMs = 20 * 60_000;

type Connection = { token: string; since: number; readonly teamId: string; isPoisoned: boolean };

type Options = {
  readonly keys: () => readonly ApnsKey[];
  /** Milliseconds since 1970. */
  readonly clock: () => number;
};

/**
 * Authenticates senders, by their provider token or by the client certificate of their connection. All tokens of one
 * connection must be of one team, and it may change its token every 20 minutes at most. A connection that changes it
 * earlier is poisoned: APNs answers all its requests with "TooManyProviderTokenUpdates".
 */
export const createAuthentication = ({ keys, clock }: Options) => {
  const checkToken = createProviderTokenCheck(keys, clock);
  const connections = new WeakMap<Http2Session, Connection>();
  const tooManyUpdates = refusal(429, 'TooManyProviderTokenUpdates');

  return {
    /** The refusal of a request; `undefined` if its sender is authenticated. The first valid token frees the streams. */
    refuse: ({ session, headers, grantStreams }: FakeRequest): Answer | undefined => {
      const { authorization } = headers;
      if (authorization === undefined && isAuthorized(session)) return undefined;
      const verified = checkToken(authorization);
      if (!verified.ok) return refusal(403, verified.reason);
      const { token, teamId } = verified;
      const connection = connections.get(session);
      if (!connection) {
        connections.set(session, { token, teamId, since: clock(), isPoisoned: false });
        grantStreams();
        return undefined;
      }
      if (connection.isPoisoned) return tooManyUpdates;
      if (connection.teamId !== teamId) return refusal(403, 'InvalidProviderToken');
      if (connection.token === token) return undefined;
      connection.isPoisoned = clock() - connection.since < minUpdateIntervalMs;
      connection.token = token;
      connection.since = clock();
      return connection.isPoisoned ? tooManyUpdates : undefined;
    },
    /** From now on, this connection gets nothing but "TooManyProviderTokenUpdates". */
    poison: (session: Http2Session): void => {
      const connection = connections.get(session);
      if (connection) connection.isPoisoned = true;
    },
  };
};

/** The connection presented a client certificate that the authority issued. */
export const isAuthorized = ({ socket }: Http2Session): boolean => (socket as TLSSocket).authorized;
