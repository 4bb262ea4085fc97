import { modes } from '@pushmesh/contracts';
import type { Log } from '@pushmesh/telemetry';
import { createApnsProvider } from './apns/provider.ts';
import type { ProviderTokens } from './apns/provider-tokens.ts';
import { createOAuth } from './fcm/oauth.ts';
import { createFcmProvider } from './fcm/provider.ts';
import { createTokenEndpoint } from './fcm/token-endpoint.ts';
import type { ConnectionChange } from './http2/connections.ts';
import { createHttp2Pool } from './http2/pool.ts';
import { countsAgainstQuota } from './fcm/outcome.ts';
import type { SwappablePool } from '../credentials/watch.ts';
import type { Provider } from '../push/provider.ts';
import type { ApnsSettings, FcmSettings, PoolSettings } from './settings/settings.ts';
import type { PushServiceMetrics } from '../metrics.ts';

export type PoolDeps = {
  readonly log: Log;
  readonly metrics: PushServiceMetrics;
  readonly verify: boolean;
  /** PEM of authorities to trust instead of Node’s own: the fakes have one. */
  readonly ca?: string;
  /**
   * Of a push: from the call to the whole answer of the provider, waiting for a stream or an access token, and another try
   * with new credentials included. Callers wait longer: who gave up first would send the push again. A question to the token
   * endpoint, which is asked for all pushes at once, has as long.
   */
  readonly timeoutMs: number;
  readonly apnsTokens: ProviderTokens;
};

/** One pool at work: its providers, and what has to be opened, closed and swapped with them. */
export type ProviderPool = SwappablePool & {
  readonly providers: readonly Provider[];
  open(): void;
  /** Something of the provider has answered. */
  isKnown(): boolean;
  close(deadlineMs: number): Promise<void>;
};

/** How many requests may wait for a stream. */
const queueLimit = 10_000;
/** FCM’s access token is asked for this often, so that no push has to wait for one. */
const keepWarmMs = 60_000;

export const createProviderPool = (settings: PoolSettings, deps: PoolDeps): ProviderPool =>
  settings.service === 'fcm' ? createFcmPool(settings, deps) : createApnsPool(settings, deps);

const createApnsPool = (settings: ApnsSettings, deps: PoolDeps): ProviderPool => {
  const { metrics, verify, ca, timeoutMs, apnsTokens } = deps;
  const { name, mode, tags, defaultTopic, endpoint, connections } = settings;
  const provider = createApnsProvider({
    name,
    mode,
    tags,
    credentials: credentialsOf(settings),
    defaultTopic,
    endpoint,
    ...(ca !== undefined && { ca }),
    verify,
    pool: { connections, queueLimit, timeoutMs, onState: tellChanges(name, deps) },
    clock: Date.now,
    tokens: apnsTokens,
  });
  showCredentials(settings, deps);
  return {
    settings,
    providers: [measured(provider, metrics)],
    open: provider.open,
    isKnown: () => provider.connections().connected > 0,
    swap: (next) => {
      if (next.service !== 'apns') return;
      provider.swapCredentials(credentialsOf(next));
      showCredentials(next, deps);
    },
    close: provider.close,
  };
};

const createFcmPool = (settings: FcmSettings, deps: PoolDeps): ProviderPool => {
  const { log, metrics, verify, ca, timeoutMs } = deps;
  const { name, tags, origin, tokenUri, connections, platforms, quotaPerMinute } = settings;
  const account = credentialsOf(settings);
  const { projectId } = account;
  const pool = createHttp2Pool({
    origin,
    connections,
    queueLimit,
    timeoutMs,
    tls: { rejectUnauthorized: verify, ...(ca !== undefined && { ca }) },
    neverIndexed: ['authorization'],
    onState: tellChanges(name, deps),
  });
  let hasToken = false;
  const oauth = createOAuth({
    account,
    ...(tokenUri !== undefined && { tokenUri }),
    endpoint: createTokenEndpoint({ timeoutMs, ...(ca !== undefined && { ca }) }),
    clock: Date.now,
    uptime: () => performance.now(),
    random: Math.random,
    onRenewal: (renewal) => {
      hasToken ||= renewal.type === 'token';
      metrics.fcmTokens.inc({ pool: name, result: renewal.type });
      const { type } = renewal;
      if (type === 'token') log.info({ event: 'fcm-token', pool: name, type });
      else log[type === 'refused' ? 'error' : 'warn']({ event: 'fcm-token', pool: name, type, reason: renewal.reason });
    },
  });
  const used = metrics.fcmQuotaUsed.labels({ pool: name });
  metrics.fcmQuota.set({ pool: name }, quotaPerMinute);
  showCredentials(settings, deps);
  let timer: NodeJS.Timeout | undefined;
  const warm = (): void => void oauth.accessToken();

  return {
    settings,
    // FCM knows no environments, so a request for either of them goes to the same project.
    providers: modes.map((mode) =>
      measured(
        createFcmProvider({
          name,
          projectId,
          mode,
          tags,
          platforms,
          pool,
          oauth,
          clock: Date.now,
          onStatus: (status) => countsAgainstQuota(status) && used.inc(),
        }),
        metrics,
      ),
    ),
    open: () => {
      pool.open();
      warm();
      timer = setInterval(warm, keepWarmMs).unref();
    },
    isKnown: () => hasToken || pool.connections().connected > 0,
    swap: (next) => {
      if (next.service !== 'fcm') return;
      oauth.swap(credentialsOf(next));
      showCredentials(next, deps);
    },
    close: async (deadlineMs) => {
      clearInterval(timer);
      await pool.close(deadlineMs);
    },
  };
};

/** Those that could not be read are a problem of the configuration, and never come here. */
const credentialsOf = <C>({
  name,
  loaded,
}: {
  name: string;
  loaded: { read: { ok: true; credentials: C } | { ok: false } };
}): C => {
  if (!loaded.read.ok) throw new Error(`the pool ${name} has no credentials`);
  return loaded.read.credentials;
};

/** The provider, with the time of its last success as a metric of its pool. */
export const measured = (provider: Provider, metrics: PoolDeps['metrics']): Provider => {
  const success = metrics.lastSuccess.labels({ pool: provider.name });
  return {
    ...provider,
    push: async (notification) => {
      const answer = await provider.push(notification);
      if (answer.category === 'ok') success.set(Date.now() / 1000);
      return answer;
    },
  };
};

const tellChanges =
  (pool: string, { log, metrics }: Pick<PoolDeps, 'log' | 'metrics'>) =>
  (change: ConnectionChange) => {
    metrics.providerConnections.inc({ pool, change: change.type });
    const isTrouble = change.type === 'unreachable' || change.type === 'lost';
    log[isTrouble ? 'warn' : 'debug']({ event: 'provider-connection', pool, ...change });
  };

const showCredentials = (
  { name, loaded: { read } }: PoolSettings,
  { log, metrics }: Pick<PoolDeps, 'log' | 'metrics'>,
) => {
  if (!read.ok) return;
  metrics.credentialsChanged.set({ pool: name }, read.changedAt / 1000);
  if (read.expiresAt === undefined) return;
  metrics.certificateExpiry.set({ pool: name }, read.expiresAt / 1000);
  // No reason not to start: other pools have work to do, and a new file is used without a restart.
  if (read.expiresAt <= Date.now())
    log.error({ event: 'certificate-expired', pool: name, at: new Date(read.expiresAt) });
};
