import type { PoolSettings, ProviderRuntime } from '../providers/module.ts';
import type { ProviderSettings } from '../providers/read-settings.ts';
import { moduleOf } from '../providers/registry.ts';
import { toReport } from './check-report.ts';
import type { CheckedPool } from './check-report.ts';

type Deps = {
  readonly settings: ProviderSettings;
  readonly tryOut: ProviderRuntime['tryOut'];
  /** Milliseconds since 1970. */
  readonly clock: () => number;
};

/** Tries out the credentials of every pool, and reports what came of it. Nothing reaches a device. */
export const checkCredentials = async ({ settings: { pools }, tryOut, clock }: Deps) => {
  const checked = await Promise.all(pools.map((pool) => check(pool, tryOut)));
  return toReport(
    checked.filter((each) => each !== undefined),
    clock(),
  );
};

const check = async (pool: PoolSettings, tryOut: ProviderRuntime['tryOut']): Promise<CheckedPool | undefined> => {
  const { read } = pool.loaded;
  // Credentials that cannot be read are problems of the configuration, and were reported before.
  if (!read.ok) return undefined;
  const { finding, skewMs, foundAt } = await tryOut(pool);
  const what = moduleOf(pool.service).describe(pool);
  return { name: pool.name, what, finding, skewMs, foundAt, expiresAt: read.expiresAt };
};
