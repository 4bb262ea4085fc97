import type { Log } from '@pushmesh/telemetry';
import { backOffMs } from '@pushmesh/async';
import { changeOf } from '../providers/credentials/change.ts';
import type { Watched } from '../providers/credentials/change.ts';
import { findings } from '../providers/credentials/finding.ts';
import { objectionTo, waitingForRestart, withCredentialsOf } from '../providers/pool-identity.ts';
import type { PoolSettings, RereadProviders } from '../providers/settings/settings.ts';
import type { TryOut } from '../providers/try-out.ts';
import type { PushServiceMetrics } from '../metrics.ts';

/** A pool whose credentials can be changed while it works. */
export type SwappablePool = {
  readonly settings: PoolSettings;
  swap(next: PoolSettings): void;
};

type Deps = {
  readonly pools: readonly SwappablePool[];
  readonly reread: RereadProviders;
  readonly tryOut: TryOut;
  readonly log: Log;
  readonly metrics: Pick<PushServiceMetrics, 'credentialReloads' | 'credentialsRead' | 'credentialsRefused'>;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** [0, 1) */
  readonly random: () => number;
};

/** What the provider did not take is tried again; it may learn of a new key later than we do. */
const backoff = { firstMs: 5_000, maxMs: 60_000 };

/**
 * Looks at the credential files: what has changed is tried out, and used if the provider takes it. What is wrong is told and
 * left alone, and the old credentials stay in use.
 */
export const createCredentialWatch = ({ pools, reread, tryOut, log, metrics, clock, random }: Deps) => {
  const watched = new Map<SwappablePool, WatchedPool>(
    pools.map((pool) => {
      const { digest } = pool.settings.loaded;
      return [pool, { inUse: digest, seen: digest, settings: pool.settings }];
    }),
  );

  const fail = (pool: SwappablePool, state: WatchedPool, { digest, result, why }: Failure) => {
    const times = state.failed?.digest === digest ? state.failed.times + 1 : 1;
    // A file that cannot be read is another one before it can.
    const until = result === 'unreadable' ? Infinity : clock() + backOffMs(backoff, times, 'equal', random());
    watched.set(pool, { ...state, seen: digest, failed: { digest, times, until } });
    const { name } = pool.settings;
    metrics.credentialReloads.inc({ pool: name, result });
    metrics.credentialsRefused.set({ pool: name }, 1);
    log.error({ event: 'credentials-refused', pool: name, result, why, inUse: 'the old ones' });
  };

  const change = async (pool: SwappablePool, state: WatchedPool, read: PoolSettings) => {
    const digest = digestOf(read, state.settings);
    const objection = objectionTo(read, state.settings);
    if (objection !== undefined) return fail(pool, state, { digest, result: 'unreadable', why: [objection] });
    // Whatever else has changed waits for a restart: until then they have to be good for the pool as it is.
    const next = withCredentialsOf(read, state.settings);
    const tried = await tryOut(next);
    if (tried.type === 'unreadable') {
      const why = tried.problems.map((problem) => `${problem.variable}: ${problem.why}`);
      return fail(pool, state, { digest, result: 'unreadable', why });
    }
    const { verdict, words } = findings[tried.finding];
    const { foundAt } = tried;
    const why = foundAt === undefined ? words : `${words}; this was at ${foundAt}`;
    if (verdict !== 'usable') return fail(pool, state, { digest, result: verdict, why: [why] });
    pool.swap(next);
    watched.set(pool, { inUse: digest, seen: digest, settings: next });
    metrics.credentialReloads.inc({ pool: next.name, result: 'swapped' });
    metrics.credentialsRefused.set({ pool: next.name }, 0);
    log.info({ event: 'credentials-swapped', pool: next.name, finding: tried.finding });
  };

  const lookAt = async (pool: SwappablePool, next: PoolSettings | undefined, why: readonly string[]) => {
    const state = watched.get(pool);
    if (!state) return;
    const digest = next ? digestOf(next, state.settings) : `none: ${why.join()}`;
    switch (changeOf(state, digest, clock())) {
      case 'none':
        if (digest !== state.inUse) return;
        watched.set(pool, { inUse: digest, seen: digest, settings: state.settings });
        metrics.credentialsRefused.set({ pool: pool.settings.name }, 0);
        return;
      case 'settling':
        watched.set(pool, { ...state, seen: digest });
        return;
      case 'new':
        return next ? change(pool, state, next) : fail(pool, state, { digest, result: 'unreadable', why });
    }
  };

  let told: Watched = { inUse: '', seen: '' };

  /** Says once what a restart would change, or why there would be none, when it reads the same twice. */
  const tell = (problems: readonly string[], next: readonly PoolSettings[]) => {
    const before = pools.map((pool) => watched.get(pool)?.settings ?? pool.settings);
    const waiting = problems.length > 0 ? [] : waitingForRestart(before, next);
    const state = problems.length + waiting.length === 0 ? '' : JSON.stringify([problems, waiting]);
    const isNew = changeOf(told, state, clock()) === 'new';
    told = { inUse: isNew ? state : told.inUse, seen: state };
    if (!isNew) return;
    if (problems.length > 0) log.error({ event: 'configuration-problems', problems });
    for (const each of waiting) log.warn({ event: 'waits-for-restart', ...each });
  };

  /** One look at all files. */
  return async (): Promise<void> => {
    const read = reread();
    const why = read.problems.map((problem) => `${problem.variable}: ${problem.why}`);
    tell(why, read.pools);
    // Side by side: one whose provider is out must not keep another waiting.
    await Promise.all(
      pools.map((pool) => {
        const { name, service } = pool.settings;
        const next = read.pools.find((each) => each.name === name && each.service === service);
        // Where something is wrong, that is why it is not there.
        const gone = why.length > 0 ? why : [`the pool ${name} is configured no more`];
        return lookAt(pool, next, next ? [] : gone);
      }),
    );
    metrics.credentialsRead.set(clock() / 1000);
  };
};

/** `settings` are those that the pool works with. */
type WatchedPool = Watched & { readonly settings: PoolSettings };

/** Of all that counts: the credentials, and whether they may be gone over to, which a topic that comes back can change. */
const digestOf = (next: PoolSettings, now: PoolSettings): string => next.loaded.digest + (objectionTo(next, now) ?? '');

type Failure = {
  readonly digest: string;
  readonly result: 'unreadable' | 'refused' | 'undecided';
  readonly why: readonly string[];
};
