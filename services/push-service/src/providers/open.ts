import { pushServices } from '@pushmesh/contracts';
import type { PushService } from '@pushmesh/contracts';
import type { Resource } from '@pushmesh/lifecycle';
import type { Provider } from '../push/provider.ts';
import type { PoolDeps, PoolSettings, ProviderPool, ProviderRuntime, RuntimeOptions } from './module.ts';
import type { ProviderSettings } from './read-settings.ts';
import { moduleOf } from './registry.ts';

export type ProvidersDeps = PoolDeps & {
  /** PEM of authorities to trust instead of Node's own: the fakes have one. */
  readonly ca?: string;
};

const timeoutMs = 5_000;
const closeMs = 5_000;

/** The providers as they are configured, their pools, and what has to be opened and closed with them. */
export const openProviders = (
  { pools: configured, verify }: Pick<ProviderSettings, 'pools' | 'verify'>,
  { ca, ...deps }: ProvidersDeps,
) => {
  const runtime = createRuntime({ verify, timeoutMs, clock: Date.now, ...(ca !== undefined && { ca }) });
  // In the order of the contracts, not of the configuration: /healthcheck and the log list the pools in this order.
  const pools = pushServices
    .flatMap((service) => configured.filter((pool) => pool.service === service))
    .map((settings) => observed(runtime.createPool(settings, deps), deps));

  return {
    providers: pools.flatMap(({ providers }) => providers),
    pools,
    tryOut: runtime.tryOut,
    resource: {
      name: 'providers',
      start: () => {
        for (const pool of pools) pool.open();
        return Promise.resolve();
      },
      // A provider that is down does not make this instance unready: pushes to it are answered, and callers wait for it.
      missing: () => (pools.some((pool) => pool.isKnown()) ? undefined : 'no provider has answered yet'),
      stop: async () => {
        await Promise.all(pools.map((pool) => pool.close(closeMs)));
      },
    } satisfies Resource,
  };
};

/** One runtime for all providers, which passes each pool to the runtime of its own module. */
export const createRuntime = (options: RuntimeOptions): ProviderRuntime => {
  const runtimes = new Map<PushService, ProviderRuntime>();
  const runtimeOf = (service: PushService): ProviderRuntime => {
    const runtime = runtimes.get(service) ?? moduleOf(service).createRuntime(options);
    runtimes.set(service, runtime);
    return runtime;
  };
  return {
    createPool: (settings, deps) => runtimeOf(settings.service).createPool(settings, deps),
    tryOut: (settings) => runtimeOf(settings.service).tryOut(settings),
  };
};

/** The pool, with its credentials in the metrics. */
const observed = (pool: ProviderPool, deps: PoolDeps): ProviderPool => {
  reportCredentials(pool.settings, deps);
  const { swap } = pool;
  return {
    ...pool,
    ...(swap && {
      swap: (next) => {
        swap(next);
        reportCredentials(next, deps);
      },
    }),
  };
};

const reportCredentials = ({ name, loaded: { read } }: PoolSettings, { log, metrics }: PoolDeps): void => {
  if (!read.ok) return;
  if (read.changedAt !== undefined) metrics.credentialsChanged.set({ pool: name }, read.changedAt / 1000);
  if (read.expiresAt === undefined) return;
  metrics.certificateExpiry.set({ pool: name }, read.expiresAt / 1000);
  // No reason not to start: other pools have work to do, and a new file is used without a restart.
  if (read.expiresAt <= Date.now())
    log.error({ event: 'certificate-expired', pool: name, at: new Date(read.expiresAt) });
};

/** The pools by name, each with its service and modes, in words. */
export const poolsOf = (providers: readonly Provider[]): readonly string[] =>
  [...Map.groupBy(providers, ({ name, service }) => `${name}: ${service}`)].map(
    ([pool, each]) => `${pool} ${each.map(({ mode }) => mode).join(', ')}`,
  );
