import { backOffMs } from '@pushmesh/async';
import type { Problem } from '@pushmesh/config';
import type { Log } from '@pushmesh/telemetry';
import type { PushServiceMetrics } from '../metrics.ts';
import { changeOf } from '../providers/credentials/change.ts';
import type { Watched } from '../providers/credentials/change.ts';
import type { PoolSettings, ProviderPool, ProviderRuntime } from '../providers/module.ts';
import { objectionTo } from './restart.ts';

/** A pool whose credentials can be changed while it works. */
export type SwappablePool = ProviderPool & Required<Pick<ProviderPool, 'swap'>>;

export type PoolWatchDeps = {
  readonly tryOut: ProviderRuntime['tryOut'];
  readonly log: Log;
  readonly metrics: Pick<PushServiceMetrics, 'credentialReloads' | 'credentialsRefused'>;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** [0, 1) */
  readonly random: () => number;
};

/** Credentials that the provider did not accept are tried again: it may learn of a new key later than we do. */
const backOff = { firstMs: 5_000, maxMs: 60_000 };

/**
 * Watches the credentials of one pool. Those that have changed are tried out, and used if the provider accepts them. What is
 * wrong with them is logged, and the old credentials stay in use.
 */
export const createPoolWatch = (pool: SwappablePool, { tryOut, log, metrics, clock, random }: PoolWatchDeps) => {
  const { name } = pool.settings;
  let settings = pool.settings;
  let watched: Watched = { inUse: settings.loaded.digest, seen: settings.loaded.digest };

  const fail = ({ digest, result, why }: Failure) => {
    const times = watched.failed?.digest === digest ? watched.failed.times + 1 : 1;
    // A file that cannot be read becomes readable only by changing.
    const until = result === 'unreadable' ? Infinity : clock() + backOffMs(backOff, times, 'equal', random());
    watched = { ...watched, seen: digest, failed: { digest, times, until } };
    metrics.credentialReloads.inc({ pool: name, result });
    metrics.credentialsRefused.set({ pool: name }, 1);
    log.error({ event: 'credentials-refused', pool: name, result, why, inUse: 'the old ones' });
  };

  const change = async (digest: string, read: PoolSettings) => {
    const objection = objectionTo(read, settings);
    if (objection !== undefined) return fail({ digest, result: 'unreadable', why: [objection] });
    // Everything else that has changed waits for a restart: until then the credentials must suit the pool as it is.
    const next = { ...settings, loaded: read.loaded };
    if (!next.loaded.read.ok) {
      const why = next.loaded.read.problems.map(inWords);
      return fail({ digest, result: 'unreadable', why });
    }
    const { finding, foundAt } = await tryOut(next);
    const { verdict, meaning } = finding;
    const why = foundAt === undefined ? meaning : `${meaning}; this was at ${foundAt}`;
    if (verdict !== 'usable') return fail({ digest, result: verdict, why: [why] });
    pool.swap(next);
    settings = next;
    watched = { inUse: digest, seen: digest };
    metrics.credentialReloads.inc({ pool: name, result: 'swapped' });
    metrics.credentialsRefused.set({ pool: name }, 0);
    log.info({ event: 'credentials-swapped', pool: name, finding: finding.name });
  };

  return {
    /** Those that the pool works with. */
    settings: (): PoolSettings => settings,
    /** Compares what was read with what is in use. `why` says in words why nothing was read, if so. */
    lookAt: async (next: PoolSettings | undefined, why: readonly string[]): Promise<void> => {
      const digest = next ? digestOf(next, settings) : `none: ${why.join()}`;
      switch (changeOf(watched, digest, clock())) {
        case 'none':
          if (digest !== watched.inUse) return;
          watched = { inUse: digest, seen: digest };
          metrics.credentialsRefused.set({ pool: name }, 0);
          return;
        case 'settling':
          watched = { ...watched, seen: digest };
          return;
        case 'new':
          return next ? change(digest, next) : fail({ digest, result: 'unreadable', why });
      }
    },
  };
};

export const inWords = ({ variable, why }: Problem): string => `${variable}: ${why}`;

type Failure = {
  readonly digest: string;
  readonly result: 'unreadable' | 'refused' | 'undecided';
  readonly why: readonly string[];
};

/**
 * Covers everything that counts: the credentials, and whether the pool may switch to them, which a topic that comes
 * back can change.
 */
const digestOf = (next: PoolSettings, now: PoolSettings): string => next.loaded.digest + (objectionTo(next, now) ?? '');
