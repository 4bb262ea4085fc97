import { modes } from '@pushmesh/contracts';
import type { Mode } from '@pushmesh/contracts';
import { fcmPlatforms } from '../../domain/fcm-platforms.ts';
import type { KnownOfFakes } from '../../fakes/fakes.ts';
import type { Provider } from '../../ports.ts';
import { readApnsCredentials } from '../apns/credentials.ts';
import { createApnsProvider } from '../apns/provider.ts';
import { createOAuth } from '../fcm/oauth.ts';
import { createFcmProvider } from '../fcm/provider.ts';
import { parseServiceAccount } from '../fcm/service-account.ts';
import { createTokenEndpoint } from '../fcm/token-endpoint.ts';
import { createHttp2Pool } from '../http2/pool.ts';

/** As in service. */
const pool = { connections: 2, queueLimit: 10_000, timeoutMs: 5_000 };
const closeMs = 5_000;

/** The providers as they are in service, with the credentials and addresses of the fakes. */
export const createSandboxProviders = (known: KnownOfFakes, apnsTopic: string) => {
  const all = modes.flatMap((mode) => [apnsOf(known, mode, apnsTopic), fcmOf(known, mode)]);
  return {
    providers: all.map(({ provider }): Provider => provider),
    open: () => {
      for (const each of all) each.open();
    },
    close: async () => {
      await Promise.all(all.map((each) => each.close()));
    },
  };
};

const apnsOf = ({ ca, apns }: KnownOfFakes, mode: Mode, defaultTopic: string) => {
  const read = readApnsCredentials({ type: 'token', ...apns.key });
  if (!read.ok) throw new Error(`the fake of APNs has a key that ${read.why}`);
  const { credentials } = read;
  const endpoint = apns.origins[mode];
  const provider = createApnsProvider({
    mode,
    tags: [],
    endpoint,
    ca,
    credentials,
    defaultTopic,
    pool,
    clock: Date.now,
  });
  return { provider, open: provider.open, close: () => provider.close(closeMs) };
};

/** FCM knows no modes, so each has a project of its own here: the phones tell which it was. */
const fcmOf = ({ ca, fcm }: KnownOfFakes, mode: Mode) => {
  const read = parseServiceAccount(fcm.accounts[`sandbox-${mode}`] ?? '');
  if (!read.ok) throw new Error(`the fake of FCM has no service account: ${read.problem}`);
  const http2 = createHttp2Pool({ ...pool, origin: fcm.origin, tls: { ca }, neverIndexed: ['authorization'] });
  const oauth = createOAuth({
    account: read.account,
    endpoint: createTokenEndpoint({ timeoutMs: pool.timeoutMs, ca }),
    clock: Date.now,
    uptime: () => performance.now(),
    random: Math.random,
  });
  const provider = createFcmProvider({
    projectId: read.account.projectId,
    mode,
    tags: [],
    platforms: fcmPlatforms,
    pool: http2,
    oauth,
    clock: Date.now,
  });
  return { provider, open: http2.open, close: () => http2.close(closeMs) };
};
