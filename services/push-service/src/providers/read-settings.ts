import type { Problem } from '@pushmesh/config';
import { Type } from 'typebox';
import type { Static, TObject } from 'typebox';
import { readNamedFile } from './credentials/named-file.ts';
import type { PoolSettings } from './module.ts';
import { providerModules, variablesOfModules } from './registry.ts';
import { createPoolsFileReader } from './settings/pools-file.ts';
import { path } from './settings/variables.ts';

/** Providers whose pools may also be configured by PUSH_POOLS_FILE. */
const inPoolsFile = providerModules.filter(({ poolsFile }) => poolsFile);

export const providerVariables = {
  PUSH_POOLS_FILE: path(
    `the path of a JSON file with several ${inPoolsFile.map(({ poolsFile }) => poolsFile?.title).join(' and ')}, each with its tags (docs/push-service.md); instead of ${inPoolsFile.map(({ enabledBy }) => enabledBy).join(' and ')}`,
    '/etc/push-service/pools.json',
  ),
  PUSH_CREDENTIALS_POLL_MS: Type.Integer({
    default: 5_000,
    minimum: 100,
    maximum: 3_600_000,
    description:
      'milliseconds between two reads of the credential files; changed credentials are tried out, then used without a restart',
    examples: [5000],
  }),
  ...variablesOfModules,
  TLS_SERVER_CERT_VALIDATION: Type.Boolean({
    default: true,
    description: 'whether the certificates of FCM and APNs are verified; those of Web Push services always are',
    examples: [true],
  }),
};

export type ProviderValues = Readonly<Record<string, unknown>> & Static<TObject<typeof providerVariables>>;

export type ProviderSettings = {
  /** Every pool, with its credentials as they are now or what is wrong with them. */
  readonly pools: readonly PoolSettings[];
  /** Whether the providers' certificates are verified. */
  readonly verify: boolean;
  /** Milliseconds between two looks at the credential files. */
  readonly pollMs: number;
};

/**
 * Reads the pools and their credentials; `undefined` when none is configured. Only what is enabled is read.
 *
 * @param problems gets what is wrong with the pools; each pool itself says what is wrong with its files (`problemsOfFiles`)
 */
export const readProviderSettings = (values: ProviderValues, problems: Problem[]): ProviderSettings | undefined => {
  const file = values.PUSH_POOLS_FILE;
  const enabled = providerModules.filter(({ enabledBy }) => values[enabledBy] === true);
  if (file === undefined && enabled.length === 0) return undefined;
  const byVariables = file === undefined ? enabled : enabled.filter(({ poolsFile }) => !poolsFile);
  for (const { enabledBy } of enabled.filter((each) => !byVariables.includes(each)))
    problems.push({ variable: enabledBy, why: 'is true, but PUSH_POOLS_FILE is set too: keep only one of them' });
  return {
    pools: [
      ...(file === undefined ? [] : readPoolsFile(file, problems)),
      ...byVariables.flatMap(({ readPools }) => readPools(values, problems)),
    ],
    verify: values.TLS_SERVER_CERT_VALIDATION,
    pollMs: values.PUSH_CREDENTIALS_POLL_MS,
  };
};

const readPoolsFile = createPoolsFileReader<PoolSettings>(
  Object.fromEntries(inPoolsFile.flatMap(({ service, poolsFile }) => (poolsFile ? [[service, poolsFile]] : []))),
);

export const problemsOfFiles = ({ pools }: ProviderSettings): readonly Problem[] =>
  pools.flatMap(({ loaded: { read } }) => (read.ok ? [] : read.problems));

/** The pools as they are configured now, without those that cannot be made out, and what is wrong with them. */
export type RereadProviders = () => {
  readonly pools: readonly PoolSettings[];
  readonly problems: readonly Problem[];
};

/** Reads again what is in files: pools, credentials, and the values that belong to them and came from an `X_FILE`. */
export const rereadProviderSettings = (values: ProviderValues, env: NodeJS.ProcessEnv): ReturnType<RereadProviders> => {
  const problems: Problem[] = [];
  const settings = readProviderSettings({ ...values, ...valuesOfFiles(env, problems) }, problems);
  return { pools: settings?.pools ?? [], problems };
};

const valuesOfFiles = (env: NodeJS.ProcessEnv, problems: Problem[]): Readonly<Record<string, string | undefined>> =>
  Object.fromEntries(
    providerModules
      .flatMap(({ rereadVariables }) => rereadVariables)
      .filter((variable) => env[`${variable}_FILE`])
      .map((variable) => {
        const namedBy = `${variable}_FILE`;
        const read = readNamedFile({ path: env[namedBy] ?? '', namedBy });
        if (!read.ok) problems.push(read.problem);
        return [variable, (read.ok && read.text.trim()) || undefined];
      }),
  );
