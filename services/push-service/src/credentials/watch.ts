import type { Resource } from '@pushmesh/lifecycle';
import type { PushServiceMetrics } from '../metrics.ts';
import { changeOf } from '../providers/credentials/change.ts';
import type { Watched } from '../providers/credentials/change.ts';
import type { PoolSettings, ProviderPool } from '../providers/module.ts';
import type { RereadProviders } from '../providers/read-settings.ts';
import { createPoolWatch, inWords } from './pool-watch.ts';
import type { PoolWatchDeps, SwappablePool } from './pool-watch.ts';
import { isSame, waitingForRestart } from './restart.ts';

type Deps = PoolWatchDeps & {
  readonly pools: readonly ProviderPool[];
  /** Reads the pools and their credentials again. */
  readonly reread: RereadProviders;
  /** Milliseconds between two looks. */
  readonly pollMs: number;
  readonly metrics: Pick<PushServiceMetrics, 'credentialsRead'>;
};

/**
 * Looks at the credential files again and again. What the files hold is polled and compared, because `fs.watch` sees neither
 * the swap of a symlink two folders up, which is how Kubernetes changes a secret, nor anything on some network file systems;
 * and it is a few KB.
 */
export const createCredentialWatch = (deps: Deps) => {
  const { pollMs, log } = deps;
  const look = createLook(deps);
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const wait = (): void => {
    if (!stopped) timer = setTimeout(() => void lookOnce(), pollMs).unref();
  };
  const lookOnce = async (): Promise<void> => {
    await look().catch((err: unknown) => log.error({ event: 'fault', at: 'credentials', err }));
    wait();
  };

  return {
    resource: {
      name: 'credentials',
      start: () => {
        wait();
        return Promise.resolve();
      },
      /** A look that has begun ends by itself. */
      stop: () => {
        stopped = true;
        clearTimeout(timer);
        return Promise.resolve();
      },
    } satisfies Resource,
  };
};

/** One look at all files. */
const createLook = ({ pools, reread, metrics, ...deps }: Deps) => {
  const watches = pools
    .filter(isSwappable)
    .map((pool) => ({ pool, watch: createPoolWatch(pool, { ...deps, metrics }) }));
  const settingsOf = (pool: ProviderPool): PoolSettings =>
    watches.find((each) => each.pool === pool)?.watch.settings() ?? pool.settings;
  const report = createReport(deps);

  return async (): Promise<void> => {
    const read = reread();
    const problems = read.problems.map(inWords);
    report(problems, () => waitingForRestart(pools.map(settingsOf), read.pools));
    // Side by side: a pool whose provider is down must not keep another waiting.
    await Promise.all(
      watches.map(({ pool: { settings }, watch }) => {
        const next = read.pools.find((each) => isSame(each, settings));
        // If something is wrong with the configuration, that is why the pool is not in it.
        const gone = problems.length > 0 ? problems : [`the pool ${settings.name} is no longer configured`];
        return watch.lookAt(next, next ? [] : gone);
      }),
    );
    metrics.credentialsRead.set(deps.clock() / 1000);
  };
};

const isSwappable = (pool: ProviderPool): pool is SwappablePool => pool.swap !== undefined;

/** Logs once what a restart would change, or why a restart would fail, when it reads the same twice. */
const createReport = ({ log, clock }: Pick<Deps, 'log' | 'clock'>) => {
  let reported: Watched = { inUse: '', seen: '' };
  return (problems: readonly string[], waiting: () => ReturnType<typeof waitingForRestart>): void => {
    const changes = problems.length > 0 ? [] : waiting();
    const state = problems.length + changes.length === 0 ? '' : JSON.stringify([problems, changes]);
    const isNew = changeOf(reported, state, clock()) === 'new';
    reported = { inUse: isNew ? state : reported.inUse, seen: state };
    if (!isNew) return;
    if (problems.length > 0) log.error({ event: 'configuration-problems', problems });
    for (const each of changes) log.warn({ event: 'waits-for-restart', ...each });
  };
};
