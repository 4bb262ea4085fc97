import { modes } from '@pushmesh/contracts';
import { credentialsOf } from '../credentials/loaded.ts';
import type { PoolDeps, ProviderPool, RuntimeOptions } from '../module.ts';
import { createEndpoints } from './endpoints.ts';
import { createOriginCircuits } from './origin-circuits.ts';
import { createWebPushProvider } from './provider.ts';
import type { WebPushSettings } from './settings.ts';
import { createVapid } from './vapid.ts';

/** Pushes under way at a time: to all push services, and to one of them. */
const maxInFlight = 1_000;
/** Half of the slots that a dispatcher has for its lane, so that a slow push service leaves room for the others. */
const maxInFlightPerOrigin = 32;
const maxIdle = 256;
const forgetEveryMs = 60_000;

type Options = Pick<RuntimeOptions, 'ca' | 'timeoutMs' | 'clock'>;

export const createWebPushPool = (
  settings: WebPushSettings,
  { ca, timeoutMs, clock }: Options,
  { log, metrics }: { readonly log: PoolDeps['log']; readonly metrics: Pick<PoolDeps['metrics'], 'webPushOriginsOut'> },
): ProviderPool<WebPushSettings> => {
  const { tags, allowPrivate } = settings;
  const identity = credentialsOf(settings);
  const endpoints = createEndpoints({
    timeoutMs,
    maxInFlight,
    maxInFlightPerOrigin,
    maxIdle,
    allowPrivate,
    ...(ca !== undefined && { ca }),
  });
  const circuits = createOriginCircuits({
    clock,
    random: Math.random,
    tryMs: timeoutMs,
    onOut: (count) => metrics.webPushOriginsOut.set(count),
  });
  const shared = { tags, endpoints, circuits, vapid: createVapid({ identity, clock }), clock };
  let timer: NodeJS.Timeout | undefined;

  return {
    settings,
    // Web Push has no environments: requests for either mode go the same way.
    providers: modes.map((mode) => createWebPushProvider({ mode, ...shared })),
    open: () => {
      timer = setInterval(circuits.forgetUnused, forgetEveryMs).unref();
      log.info({ event: 'web-push', applicationServerKey: identity.publicKey });
    },
    // Each subscription names a push service of its own, so there is no provider whose first answer could be awaited.
    isKnown: () => true,
    close: () => {
      clearInterval(timer);
      endpoints.close();
      return Promise.resolve();
    },
  };
};
