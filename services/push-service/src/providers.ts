import type { Resource } from '@pushmesh/lifecycle';
import type { Log } from '@pushmesh/telemetry';
import { createProviderTokens } from './providers/apns/provider-tokens.ts';
import { createCredentialWatch } from './credentials/watch.ts';
import type { ProviderSettings, RereadProviders } from './providers/settings/settings.ts';
import { createProviderPool, measured } from './providers/pool.ts';
import type { Provider } from './push/provider.ts';
import { createTryOut } from './providers/try-out.ts';
import { createWebPush } from './providers/web-push/pool.ts';
import type { PushServiceMetrics } from './metrics.ts';

export type ProvidersDeps = {
  readonly log: Log;
  readonly metrics: PushServiceMetrics;
  /** Reads the pools and their credentials again. */
  readonly reread: RereadProviders;
  /** PEM of authorities to trust instead of Node’s own: the fakes have one. */
  readonly ca?: string;
};

const timeoutMs = 5_000;
const closeMs = 5_000;

/** APNs, FCM and Web Push as they are configured: the providers, and what has to be opened and closed with them. */
export const createProviders = ({ fcm, apns, webPush, verify, pollMs }: ProviderSettings, deps: ProvidersDeps) => {
  const { log, metrics, reread, ca } = deps;
  const trust = { verify, ...(ca !== undefined && { ca }) };
  const apnsTokens = createProviderTokens({ clock: Date.now, monotonic: () => performance.now() });
  const pools = [...apns, ...fcm].map((settings) =>
    createProviderPool(settings, { log, metrics, timeoutMs, apnsTokens, ...trust }),
  );
  const onOut = (count: number) => metrics.webPushOriginsOut.set(count);
  const browsers = webPush && createWebPush(webPush, { timeoutMs, onOut, ...(ca !== undefined && { ca }) });
  const providers: readonly Provider[] = [
    ...pools.flatMap((pool) => pool.providers),
    ...(browsers?.providers ?? []).map((provider) => measured(provider, metrics)),
  ];
  const look = createCredentialWatch({
    pools,
    reread,
    tryOut: createTryOut({ timeoutMs, clock: Date.now, apnsTokens, ...trust }),
    log,
    metrics,
    clock: Date.now,
    random: Math.random,
  });
  const watch = createTurns(look, pollMs, (err) => log.error({ event: 'fault', at: 'credentials', err }));

  return {
    providers,
    resource: {
      name: 'providers',
      start: () => {
        for (const pool of pools) pool.open();
        if (webPush) log.info({ event: 'web-push', applicationServerKey: webPush.identity.publicKey });
        watch.start();
        return Promise.resolve();
      },
      // Not what keeps a push from being tried: a provider that is out is the caller’s to wait for.
      missing: () => (browsers || pools.some((pool) => pool.isKnown()) ? undefined : 'no provider has answered yet'),
      stop: async () => {
        browsers?.close();
        watch.stop();
        await Promise.all(pools.map((pool) => pool.close(closeMs)));
      },
    } satisfies Resource,
  };
};

/** The pools by name, each with the service and the modes that it is for, in words. */
export const poolsOf = (providers: readonly Provider[]): readonly string[] =>
  [...Map.groupBy(providers, ({ name, service }) => `${name}: ${service}`)].map(
    ([pool, each]) => `${pool} ${each.map(({ mode }) => mode).join(', ')}`,
  );

/**
 * One turn after the other. Polled, and what the files hold is compared: `fs.watch` sees neither the swap of a symlink two
 * folders up, which is how Kubernetes changes a secret, nor anything on some network file systems, and it is a few KB.
 */
const createTurns = (turn: () => Promise<void>, everyMs: number, onFault: (error: unknown) => void) => {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const take = async () => {
    try {
      await turn();
    } catch (error) {
      onFault(error);
    }
    wait();
  };
  const wait = () => {
    if (stopped) return;
    timer = setTimeout(() => void take(), everyMs).unref();
  };
  return {
    start: wait,
    /** A turn that was begun ends by itself. */
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
};
