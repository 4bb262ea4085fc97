import type { Problem } from '@pushmesh/config';
import type { ProviderTokens } from './apns/provider-tokens.ts';
import { tryOutApns } from './apns/try-out.ts';
import { createTokenEndpoint } from './fcm/token-endpoint.ts';
import { tryOutFcm } from './fcm/try-out.ts';
import type { TriedOut } from '../push/provider.ts';
import type { ApnsSettings, FcmSettings, PoolSettings } from './settings/settings.ts';

type Options = {
  readonly verify: boolean;
  /** PEM of authorities to trust instead of Node’s own: the fakes have one. */
  readonly ca?: string;
  readonly timeoutMs: number;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly apnsTokens: ProviderTokens;
};

/** What came of trying out the credentials of a pool, if they can be read at all. */
export type TryOutcome =
  ({ readonly type: 'tried' } & TriedOut) | { readonly type: 'unreadable'; readonly problems: readonly Problem[] };
export type TryOut = (pool: PoolSettings) => Promise<TryOutcome>;

/** Asks the provider of a pool what it thinks of the pool’s credentials. Nothing reaches a device. */
export const createTryOut =
  (options: Options): TryOut =>
  (pool) =>
    pool.service === 'fcm' ? ofFcm(pool, options) : ofApns(pool, options);

const ofFcm = async (pool: FcmSettings, options: Options): Promise<TryOutcome> => {
  const { read } = pool.loaded;
  if (!read.ok) return { type: 'unreadable', problems: read.problems };
  const { origin, tokenUri } = pool;
  const endpoint = createTokenEndpoint(options);
  return {
    type: 'tried',
    ...(await tryOutFcm({ ...options, account: read.credentials, origin, tokenUri, endpoint })),
  };
};

const ofApns = async (pool: ApnsSettings, options: Options): Promise<TryOutcome> => {
  const { read } = pool.loaded;
  if (!read.ok) return { type: 'unreadable', problems: read.problems };
  // Apple would only end the connection, without a word.
  if (read.expiresAt !== undefined && read.expiresAt <= options.clock())
    return { type: 'tried', finding: 'certificate_expired', skewMs: undefined };
  const { endpoint, defaultTopic } = pool;
  return {
    type: 'tried',
    ...(await tryOutApns({
      ...options,
      tokens: options.apnsTokens,
      credentials: read.credentials,
      endpoint,
      defaultTopic,
    })),
  };
};
