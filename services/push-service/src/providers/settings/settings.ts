import type { Problem } from '@pushmesh/config';
import { modes } from '@pushmesh/contracts';
import type { Mode } from '@pushmesh/contracts';
import type { Static, TObject } from 'typebox';
import type { ApnsCredentials } from '../apns/credentials.ts';
import { defaultTopicOf, loadApnsCredentials, loadServiceAccount, readText } from '../credentials/files.ts';
import type { ApnsFiles, Loaded, NamedFile } from '../credentials/files.ts';
import type { ServiceAccount } from '../fcm/service-account.ts';
import { fcmPlatforms } from '../fcm/platforms.ts';
import { readPoolsFile } from './pools-file.ts';
import { apnsEndpoint } from './declared-pools.ts';
import type { ApnsPool, FcmPool, Pools } from './declared-pools.ts';
import { providerVariables } from './variables.ts';
import { readWebPushSettings } from '../web-push/settings.ts';
import type { WebPushSettings } from '../web-push/settings.ts';

export type ProviderValues = Readonly<Record<string, unknown>> & Static<TObject<typeof providerVariables>>;

export type FcmSettings = Omit<FcmPool, 'file'> & { readonly loaded: Loaded<ServiceAccount> };
/** With the topic of the certificate, where none is configured. */
export type ApnsSettings = Omit<ApnsPool, 'files'> & { readonly loaded: Loaded<ApnsCredentials> };

export type PoolSettings = FcmSettings | ApnsSettings;

/** Every pool, with its credentials as they are now or what is wrong with them. */
export type ProviderSettings = {
  readonly fcm: readonly FcmSettings[];
  readonly apns: readonly ApnsSettings[];
  readonly webPush: WebPushSettings | undefined;
  /** Whether the certificates of the providers are verified. */
  readonly verify: boolean;
  /** Milliseconds between two looks at the credential files. */
  readonly pollMs: number;
};

/**
 * Reads the pools and their credentials; `undefined` when none is configured. Only what is enabled is read, and of APNs only
 * the modes that have credentials.
 *
 * @param problems gets what is wrong with the pools; what is wrong with their files is said by the pool (`problemsOfFiles`)
 */
export const readProviderSettings = (values: ProviderValues, problems: Problem[]): ProviderSettings | undefined => {
  const pools = readPools(values, problems);
  if (!pools && !values.PUSH_WEBPUSH_ENABLED) return undefined;
  return {
    fcm: (pools?.fcm ?? []).map((pool) => ({ ...pool, loaded: loadServiceAccount(pool) })),
    apns: (pools?.apns ?? []).map(withCredentials),
    webPush: readWebPushSettings(values, problems),
    verify: values.TLS_SERVER_CERT_VALIDATION,
    pollMs: values.PUSH_CREDENTIALS_POLL_MS,
  };
};

const withCredentials = (pool: ApnsPool): ApnsSettings => {
  const loaded = loadApnsCredentials(pool);
  const { read } = loaded;
  const defaultTopic = read.ok ? defaultTopicOf(read.credentials, pool.defaultTopic) : pool.defaultTopic;
  return { ...pool, loaded, defaultTopic };
};

export const problemsOfFiles = ({ fcm, apns }: ProviderSettings): readonly Problem[] =>
  [...fcm, ...apns].flatMap(({ loaded: { read } }) => (read.ok ? [] : read.problems));

/** The pools as they are configured now; without those that cannot be made out, with what is wrong with them. */
export type RereadProviders = () => {
  readonly pools: readonly PoolSettings[];
  readonly problems: readonly Problem[];
};

/** Reads again what lies in files: pools, credentials, and the ids that came from an `X_FILE`. */
export const rereadProviderSettings = (values: ProviderValues, env: NodeJS.ProcessEnv): ReturnType<RereadProviders> => {
  const problems: Problem[] = [];
  const settings = readProviderSettings({ ...values, ...idsOfFiles(env, problems) }, problems);
  return { pools: settings ? [...settings.fcm, ...settings.apns] : [], problems };
};

const idsOfFiles = (env: NodeJS.ProcessEnv, problems: Problem[]): Readonly<Record<string, string | undefined>> =>
  Object.fromEntries(
    Object.keys(providerVariables)
      .filter((variable) => /_(?:KEY|TEAM)_ID$/.test(variable) && env[`${variable}_FILE`])
      .map((variable) => {
        const namedBy = `${variable}_FILE`;
        const read = readText({ path: env[namedBy] ?? '', namedBy });
        if (!read.ok) problems.push(read.problem);
        return [variable, (read.ok && read.text.trim()) || undefined];
      }),
  );

const readPools = (values: ProviderValues, problems: Problem[]): Pools | undefined => {
  const { PUSH_FCM_ENABLED, PUSH_APNS_ENABLED, PUSH_POOLS_FILE } = values;
  if (PUSH_POOLS_FILE === undefined) {
    if (!PUSH_FCM_ENABLED && !PUSH_APNS_ENABLED) return undefined;
    return {
      fcm: PUSH_FCM_ENABLED ? readFcm(values, problems) : [],
      apns: PUSH_APNS_ENABLED ? readApns(values, problems) : [],
    };
  }
  for (const variable of ['PUSH_FCM_ENABLED', 'PUSH_APNS_ENABLED'] as const)
    if (values[variable]) problems.push({ variable, why: 'is true, and so is PUSH_POOLS_FILE set: keep one of them' });
  return readPoolsFile(PUSH_POOLS_FILE, problems);
};

const readFcm = (values: ProviderValues, problems: Problem[]): readonly FcmPool[] => {
  const file = fileOf(values, 'PUSH_FCM_APP_FILE', { problems, why: 'PUSH_FCM_ENABLED is true' });
  const platforms = values.PUSH_FCM_PLATFORMS.split(',').filter((each) => each !== '');
  const known = fcmPlatforms.filter((each) => platforms.includes(each));
  if (known.length < platforms.length)
    problems.push({ variable: 'PUSH_FCM_PLATFORMS', why: `expected some of ${fcmPlatforms.join(', ')}` });
  if (!file) return [];
  return [
    {
      service: 'fcm',
      name: 'fcm',
      tags: [],
      file,
      origin: `https://${values.PUSH_FCM_ENDPOINT}:${values.PUSH_FCM_PORT}`,
      tokenUri: values.FCM_AUTH_ENDPOINT,
      connections: values.PUSH_FCM_POOL_SIZE,
      platforms: known,
      quotaPerMinute: values.PUSH_FCM_QUOTA_PER_MINUTE,
    },
  ];
};

const nameOf = (mode: Mode, rest: string) => `PUSH_APNS_${mode.toUpperCase()}_${rest}`;

/** The credentials of a mode, by PUSH_APNS_AUTH_TYPE. */
const apnsVariables = { token: ['P8_TOKEN', 'KEY_ID', 'TEAM_ID'], certificate: ['CERT', 'KEY'] } as const;

const readApns = (values: ProviderValues, problems: Problem[]): readonly ApnsPool[] => {
  const type = values.PUSH_APNS_AUTH_TYPE;
  const needed = apnsVariables[type];
  const of = (mode: Mode, rest: string) => values[nameOf(mode, rest)];
  const configured = modes.filter((mode) => needed.some((rest) => of(mode, rest) !== undefined));
  const otherType = type === 'token' ? 'certificate' : 'token';
  const ofOtherType = modes.flatMap((mode) =>
    apnsVariables[otherType].filter((rest) => of(mode, rest) !== undefined).map((rest) => nameOf(mode, rest)),
  );
  if (configured.length === 0 && ofOtherType.length > 0)
    problems.push({
      variable: 'PUSH_APNS_AUTH_TYPE',
      why: `is ${type}, though there is ${ofOtherType.join(', ')}: set it to ${otherType}`,
    });
  else if (configured.length === 0)
    problems.push({
      variable: 'PUSH_APNS_ENABLED',
      why: `is true, and neither mode has credentials: set PUSH_APNS_PROD_{${needed.join(',')}}, or the same of DEV`,
    });
  return configured.flatMap((mode) => {
    const files = apnsFilesOf(values, mode, problems);
    if (!files) return [];
    const host = of(mode, 'ENDPOINT') as string | undefined;
    return [
      {
        service: 'apns',
        name: `apns_${mode}`,
        mode,
        tags: [],
        files,
        defaultTopic: of(mode, 'DEFAULT_TOPIC') as string | undefined,
        endpoint: apnsEndpoint({ mode, host, use2197: of(mode, 'USE_2197') === true }),
        connections: of(mode, 'POOL_SIZE') as number,
      },
    ];
  });
};

const apnsFilesOf = (values: ProviderValues, mode: Mode, problems: Problem[]): ApnsFiles | undefined => {
  const why = `APNs is enabled for ${mode}`;
  const word = (rest: string) => wordOf(values, nameOf(mode, rest), { problems, why });
  const file = (rest: string) => fileOf(values, nameOf(mode, rest), { problems, why });
  if (values.PUSH_APNS_AUTH_TYPE === 'token') {
    const [p8, keyId, teamId] = [file('P8_TOKEN'), word('KEY_ID'), word('TEAM_ID')];
    if (p8 && keyId !== undefined && teamId !== undefined) return { type: 'token', p8, keyId, teamId };
    return incomplete([p8], problems);
  }
  const [cert, key] = [file('CERT'), file('KEY')];
  if (!cert || !key) return incomplete([cert, key], problems);
  return { type: 'certificate', cert, key, topicNamedBy: nameOf(mode, 'DEFAULT_TOPIC') };
};

/** Nobody will read these, but what is wrong with them is to be said together with what is missing. */
const incomplete = (files: readonly (NamedFile | undefined)[], problems: Problem[]): undefined => {
  for (const file of files) {
    const read = file && readText(file);
    if (read && !read.ok) problems.push(read.problem);
  }
};

type Needed = { readonly problems: Problem[]; readonly why: string };

const wordOf = (values: ProviderValues, variable: string, { problems, why }: Needed): string | undefined => {
  const value = values[variable];
  if (typeof value === 'string') return value;
  problems.push({ variable, why: `is not set, though ${why}` });
  return undefined;
};

const fileOf = (values: ProviderValues, variable: string, needed: Needed): NamedFile | undefined => {
  const path = wordOf(values, variable, needed);
  return path === undefined ? undefined : { path, namedBy: variable };
};
