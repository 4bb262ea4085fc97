import { modes } from '@pushmesh/contracts';
import type { Log } from '@pushmesh/telemetry';
import { createApnsProvider } from './adapters/apns/provider.ts';
import { createOAuth } from './adapters/fcm/oauth.ts';
import { createFcmProvider } from './adapters/fcm/provider.ts';
import { createTokenEndpoint } from './adapters/fcm/token-endpoint.ts';
import { createHttp2Pool } from './adapters/http2/pool.ts';
import type { FcmSettings, ProviderSettings } from './provider-config.ts';
import type { Provider } from './ports.ts';
import { createWebPush } from './web-push.ts';

type Deps = {
  readonly log: Log;
  /** PEM of authorities to trust instead of Node’s own: the fakes have one. */
  readonly ca?: string;
};

/** From the call to the whole answer of the provider, waiting for a stream included. */
const timeoutMs = 5_000;
/** How many requests may wait for a stream. */
const queueLimit = 10_000;
/** FCM’s access token is asked for this often, so that no push has to wait for one. */
const keepWarmMs = 60_000;
const closeMs = 5_000;

/** APNs, FCM and Web Push as they are configured: the providers, and what has to be opened and closed with them. */
export const createProviders = (settings: ProviderSettings, { log, ca }: Deps) => {
  const { verify } = settings;
  const apns = settings.apns.map(({ mode, credentials, defaultTopic, endpoint, connections }) =>
    createApnsProvider({
      mode,
      tags: [],
      credentials,
      defaultTopic,
      ...(endpoint !== undefined && { endpoint }),
      ...(ca !== undefined && { ca }),
      verify,
      pool: { connections, queueLimit, timeoutMs },
      clock: Date.now,
    }),
  );
  const fcm = settings.fcm && createFcm(settings.fcm, verify, { log, ...(ca !== undefined && { ca }) });
  const webPush = settings.webPush && createWebPush(settings.webPush, { timeoutMs, ...(ca !== undefined && { ca }) });
  const providers: readonly Provider[] = [...apns, ...(fcm?.providers ?? []), ...(webPush?.providers ?? [])];

  return {
    providers,
    resource: {
      name: 'providers',
      start: () => {
        for (const each of apns) each.open();
        if (settings.webPush)
          log.info({ event: 'web-push', applicationServerKey: settings.webPush.identity.publicKey });
        fcm?.keepWarm();
        return Promise.resolve();
      },
      // Not what keeps a push from being tried: a provider that is out is the caller’s to wait for.
      missing: () => {
        const dark = providers.filter((provider) => provider.connections().connected === 0);
        const isDark = dark.length === providers.length && (fcm === undefined || !fcm.hasToken());
        return isDark ? 'no provider has answered yet' : undefined;
      },
      stop: async () => {
        webPush?.close();
        await Promise.all([...apns.map((each) => each.close(closeMs)), fcm?.close()]);
      },
    },
  };
};

const createFcm = (settings: FcmSettings, verify: boolean, { log, ca }: Deps) => {
  const { account, origin, tokenUri, connections, platforms } = settings;
  const pool = createHttp2Pool({
    origin,
    connections,
    queueLimit,
    timeoutMs,
    tls: { rejectUnauthorized: verify, ...(ca !== undefined && { ca }) },
    neverIndexed: ['authorization'],
  });
  const oauth = createOAuth({
    account,
    ...(tokenUri !== undefined && { tokenUri }),
    endpoint: createTokenEndpoint({ timeoutMs, ...(ca !== undefined && { ca }) }),
    clock: Date.now,
    uptime: () => performance.now(),
    random: Math.random,
    onRenewal: (renewal) => {
      hasToken ||= renewal.type === 'token';
      log.info({ event: 'fcm-token', type: renewal.type });
    },
  });
  let hasToken = false;
  let timer: NodeJS.Timeout | undefined;
  const warm = (): void => void oauth.accessToken();

  return {
    // FCM knows no environments, so a request for either of them goes to the same project.
    providers: modes.map((mode) =>
      createFcmProvider({
        projectId: account.projectId,
        mode,
        tags: [],
        platforms,
        pool,
        oauth,
        clock: Date.now,
      }),
    ),
    hasToken: () => hasToken,
    keepWarm: () => {
      warm();
      timer = setInterval(warm, keepWarmMs).unref();
    },
    close: async () => {
      clearInterval(timer);
      await pool.close(closeMs);
    },
  };
};
