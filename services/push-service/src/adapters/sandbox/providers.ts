import { generateKeyPairSync } from 'node:crypto';
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
import { parseSubscription } from '../web-push/subscription.ts';
import { parseVapidIdentity } from '../web-push/vapid.ts';
import { createWebPush } from '../../web-push.ts';

/** As in service. */
const pool = { connections: 2, queueLimit: 10_000, timeoutMs: 5_000 };
const closeMs = 5_000;

/** The providers as they are in service, with the credentials and addresses of the fakes. */
export const createSandboxProviders = (known: KnownOfFakes, apnsTopic: string) => {
  const all = modes.flatMap((mode) => [apnsOf(known, mode, apnsTopic), fcmOf(known, mode)]);
  const webPush = webPushOf(known);
  return {
    providers: [...all.map(({ provider }): Provider => provider), ...webPush.providers],
    open: () => {
      for (const each of all) each.open();
    },
    close: async () => {
      webPush.close();
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
    name: `apns_${mode}`,
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
    name: `fcm_${mode}`,
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

/** Pushes to the subscriptions of the fake alone: whoever has another one is not to be reached from a sandbox. */
const webPushOf = ({ ca, webPush }: KnownOfFakes) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const parsed = parseVapidIdentity(pem, 'mailto:sandbox@pushmesh.example');
  if (!parsed.ok) throw new Error('a new key is none');
  const settings = { identity: parsed.identity, allowPrivate: true };
  const { providers, close } = createWebPush(settings, { timeoutMs: pool.timeoutMs, ca });
  const guarded = (provider: Provider): Provider => ({
    ...provider,
    push: async (notification) => {
      const read = parseSubscription(notification.device_id);
      if (read.ok && read.subscription.endpoint.origin !== webPush.origin)
        return { category: 'invalid_request', reason: 'endpoint_not_of_the_sandbox' };
      return provider.push(notification);
    },
  });
  return { providers: providers.map(guarded), close };
};
