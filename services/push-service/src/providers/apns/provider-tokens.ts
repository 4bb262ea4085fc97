import { createHash, createPublicKey } from 'node:crypto';
import type { ApnsCredentials } from './credentials.ts';
import { createProviderToken } from './provider-token.ts';
import type { ProviderToken } from './provider-token.ts';

type Options = {
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Milliseconds of a monotonic clock: it is never set. */
  readonly monotonic: () => number;
};

/** Operators have a handful of keys. A token that is forgotten here lives on in the pools that use it. */
const maxKeys = 100;

/**
 * One token for each key, whichever pools use it, and whether they push or try out credentials: "Reuse a token for all
 * connections"; APNs refuses callers that make several within 20 minutes (TooManyProviderTokenUpdates).
 */
export const createProviderTokens = (options: Options) => {
  const byKey = new Map<string, ProviderToken>();
  return {
    /** The token of these credentials; a certificate needs none. */
    of: (credentials: ApnsCredentials): ProviderToken | undefined => {
      if (credentials.type === 'certificate') return undefined;
      const key = identityOf(credentials);
      const known = byKey.get(key);
      if (known) return known;
      const token = createProviderToken({ ...credentials, ...options });
      byKey.set(key, token);
      const [oldest] = byKey.keys();
      if (byKey.size > maxKeys && oldest !== undefined) byKey.delete(oldest);
      return token;
    },
  };
};

export type ProviderTokens = ReturnType<typeof createProviderTokens>;

/** The key itself counts: files may change under the same name. */
const identityOf = ({ keyId, teamId, privateKey }: Extract<ApnsCredentials, { type: 'token' }>): string => {
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return JSON.stringify([teamId, keyId, createHash('sha256').update(publicKey).digest('base64url')]);
};
