import { createFakeAuthority, createFakeServiceAccount, startFakeFcm } from '@pushmesh/fakes';
import type { FcmDelivery } from '@pushmesh/fakes';
import type { Notification } from '../src/push/notification.ts';
import { createHttp2Pool } from '../src/providers/http2/pool.ts';
import { createOAuth } from '../src/providers/fcm/oauth.ts';
import { createFcmProvider } from '../src/providers/fcm/provider.ts';
import { parseServiceAccount } from '../src/providers/fcm/service-account.ts';
import type { ServiceAccount } from '../src/providers/fcm/service-account.ts';
import { createTokenEndpoint } from '../src/providers/fcm/token-endpoint.ts';

type Options = {
  /** How far the provider's clock is ahead of Google's. */
  readonly skewMs?: number;
  readonly timeoutMs?: number;
  readonly tokenTimeoutMs?: number;
  readonly projectId?: string;
};

/** The provider with the real pool and token endpoint, over TLS, and the fake of FCM; time passes when a test says so. */
export const startFcm = async ({
  skewMs = 0,
  timeoutMs = 10_000,
  tokenTimeoutMs = 10_000,
  projectId = 'chat-1',
}: Options = {}) => {
  const authority = createFakeAuthority();
  const deliveries: FcmDelivery[] = [];
  const start = Date.now();
  let elapsed = 0;
  const google = () => start + elapsed;
  const fake = await startFakeFcm({
    certificate: authority.issue('fake FCM'),
    clock: google,
    onDelivered: (delivery) => deliveries.push(delivery),
  });

  const trustedAccount = (privateKeyId: string): ServiceAccount => {
    const account = createFakeServiceAccount({ projectId: 'chat-1', tokenUri: fake.tokenUri, privateKeyId });
    fake.tokens.trust(account);
    const parsed = parseServiceAccount(account.json);
    if (!parsed.ok) throw new Error(parsed.problem);
    return parsed.account;
  };

  const clock = () => google() + skewMs;
  const oauth = createOAuth({
    account: trustedAccount('key-1'),
    endpoint: createTokenEndpoint({ timeoutMs: tokenTimeoutMs, ca: authority.ca }),
    clock,
    uptime: () => elapsed,
    random: () => 0.5,
  });
  const tls = { ca: authority.ca };
  const pool = createHttp2Pool({ origin: fake.origin, connections: 1, queueLimit: 1000, timeoutMs, tls });
  const provider = createFcmProvider({
    name: 'fcm',
    projectId,
    mode: 'prod',
    tags: [],
    platforms: [],
    pool,
    oauth,
    clock,
  });

  return {
    fake,
    provider,
    deliveries,
    oauth,
    trustedAccount,
    pass: (ms: number) => (elapsed += ms),
    push: (device_id: string, more: Partial<Notification> = {}) =>
      provider.push({ device_id, service: 'fcm', mode: 'prod', tags: [], alert: { title: 't', body: 'b' }, ...more }),
    stop: async () => {
      await pool.close(0);
      await fake.stop();
    },
  };
};
