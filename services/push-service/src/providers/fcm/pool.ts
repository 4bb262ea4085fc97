import { modes } from '@pushmesh/contracts';
import { credentialsOf } from '../credentials/loaded.ts';
import { createHttp2Pool, queueLimit } from '../http2/pool.ts';
import { reportChanges } from '../http2/report-changes.ts';
import type { PoolDeps, ProviderPool, RuntimeOptions } from '../module.ts';
import { createOAuth } from './oauth.ts';
import type { Renewal } from './oauth.ts';
import { createFcmProvider } from './provider.ts';
import type { FcmSettings } from './settings.ts';
import { createTokenEndpoint } from './token-endpoint.ts';

/** The access token is asked for this often, so that no push has to wait for one. */
const keepWarmMs = 60_000;

export const createFcmPool = (
  settings: FcmSettings,
  { verify, ca, timeoutMs, clock }: RuntimeOptions,
  deps: PoolDeps,
): ProviderPool<FcmSettings> => {
  const { metrics } = deps;
  const { name, tags, origin, tokenUri, connections, platforms, quotaPerMinute } = settings;
  const account = credentialsOf(settings);
  const { projectId } = account;
  const trust = ca !== undefined && { ca };
  const pool = createHttp2Pool({
    origin,
    connections,
    queueLimit,
    timeoutMs,
    tls: { rejectUnauthorized: verify, ...trust },
    neverIndexed: ['authorization'],
    onState: reportChanges(name, deps),
  });
  let hasToken = false;
  const report = reportRenewals(name, deps);
  const oauth = createOAuth({
    account,
    ...(tokenUri !== undefined && { tokenUri }),
    endpoint: createTokenEndpoint({ timeoutMs, ...trust }),
    clock,
    uptime: performance.now.bind(performance),
    random: Math.random,
    onRenewal: (renewal) => {
      hasToken ||= renewal.type === 'token';
      report(renewal);
    },
  });
  const quotaUsed = metrics.fcmQuotaUsed.labels({ pool: name });
  metrics.fcmQuota.set({ pool: name }, quotaPerMinute);
  const shared = { name, projectId, tags, platforms, pool, oauth, clock, quotaUsed };
  let timer: NodeJS.Timeout | undefined;
  const warm = (): void => void oauth.accessToken();

  return {
    settings,
    // FCM has no environments: requests for either mode go to the same project.
    providers: modes.map((mode) => createFcmProvider({ mode, ...shared })),
    open: () => {
      pool.open();
      warm();
      timer = setInterval(warm, keepWarmMs).unref();
    },
    isKnown: () => hasToken || pool.connections().connected > 0,
    swap: (next) => oauth.swap(credentialsOf(next)),
    close: async (deadlineMs) => {
      clearInterval(timer);
      await pool.close(deadlineMs);
    },
  };
};

const reportRenewals =
  (pool: string, { log, metrics }: PoolDeps) =>
  (renewal: Renewal): void => {
    const { type } = renewal;
    metrics.fcmTokens.inc({ pool, result: type });
    if (type === 'token') log.info({ event: 'fcm-token', pool, type });
    else log[type === 'refused' ? 'error' : 'warn']({ event: 'fcm-token', pool, type, reason: renewal.reason });
  };
