import { readFileSync } from 'node:fs';
import type { Problem } from '@pushmesh/config';
import { modes } from '@pushmesh/contracts';
import type { Mode } from '@pushmesh/contracts';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { readApnsCredentials } from './adapters/apns/credentials.ts';
import type { ApnsAuth, ApnsCredentials, ApnsCredentialsProblem } from './adapters/apns/credentials.ts';
import { parseServiceAccount } from './adapters/fcm/service-account.ts';
import type { ServiceAccount } from './adapters/fcm/service-account.ts';
import { fcmPlatforms } from './domain/fcm-platforms.ts';
import type { FcmPlatform } from './domain/fcm-platforms.ts';
import { readWebPushSettings, webPushVariables } from './web-push-config.ts';
import type { WebPushSettings } from './web-push-config.ts';

// The variables of MongoosePush’s container (`config/prod.exs`), so that its users switch without new names. Only what is
// enabled is read, and of APNs only the modes that have credentials.

const flag = (description: string) => Type.Boolean({ default: false, description, examples: [true] });
const path = (description: string, example: string) => Type.Optional(Type.String({ description, examples: [example] }));
const poolSize = (what: string) =>
  Type.Integer({ default: 5, minimum: 1, maximum: 100, description: `the most connections to ${what}`, examples: [5] });

const apnsVariables = (mode: 'DEV' | 'PROD') => {
  const name = (rest: string) => `PUSH_APNS_${mode}_${rest}`;
  const what = `APNs, ${mode.toLowerCase()}`;
  return {
    [name('P8_TOKEN')]: path(`the path of the .p8 key (${what}, token authentication)`, '/run/secrets/apns.p8'),
    [name('KEY_ID')]: path(`the id of that key (${what})`, 'ABC123DEFG'),
    [name('TEAM_ID')]: path(`the team that the key belongs to (${what})`, 'DEF123GHIJ'),
    [name('CERT')]: path(
      `the path of the certificate in PEM (${what}, certificate authentication)`,
      '/run/secrets/apns.pem',
    ),
    [name('KEY')]: path(`the path of its private key in PEM (${what})`, '/run/secrets/apns.key.pem'),
    [name('DEFAULT_TOPIC')]: path(`the topic (bundle id) of requests that name none (${what})`, 'org.example.chat'),
    [name('ENDPOINT')]: path(`another host than Apple’s own (${what})`, 'api.push.apple.com'),
    [name('USE_2197')]: flag(`whether port 2197 is used instead of 443 (${what})`),
    [name('POOL_SIZE')]: poolSize(what),
  };
};

export const providerVariables = {
  PUSH_FCM_ENABLED: flag('whether pushes go to FCM'),
  PUSH_FCM_APP_FILE: path('the path of the service account’s JSON key', '/run/secrets/fcm.json'),
  PUSH_FCM_ENDPOINT: Type.String({
    default: 'fcm.googleapis.com',
    pattern: '^[A-Za-z0-9.-]+$',
    description: 'the host of FCM',
    examples: ['fcm.googleapis.com'],
  }),
  PUSH_FCM_PORT: Type.Integer({
    default: 443,
    minimum: 1,
    maximum: 65535,
    description: 'the port of FCM',
    examples: [443],
  }),
  PUSH_FCM_POOL_SIZE: poolSize('FCM'),
  PUSH_FCM_PLATFORMS: Type.String({
    default: fcmPlatforms.join(','),
    description: 'the platforms besides Android that the app exists on, of `apns` and `webpush`, separated by commas',
    examples: ['apns'],
  }),
  FCM_AUTH_ENDPOINT: path(
    'another token endpoint than the one that the key names',
    'https://oauth2.googleapis.com/token',
  ),
  PUSH_APNS_ENABLED: flag('whether pushes go to APNs'),
  PUSH_APNS_AUTH_TYPE: Type.Enum(['token', 'certificate'], {
    default: 'token',
    description: 'how APNs is shown who we are',
    examples: ['token'],
  }),
  ...apnsVariables('DEV'),
  ...apnsVariables('PROD'),
  ...webPushVariables,
  TLS_SERVER_CERT_VALIDATION: Type.Boolean({
    default: true,
    description: 'whether the certificates of FCM and APNs are verified; those of Web Push services always are',
    examples: [true],
  }),
};

export type FcmSettings = {
  readonly account: ServiceAccount;
  readonly origin: string;
  readonly tokenUri: string | undefined;
  readonly connections: number;
  readonly platforms: readonly FcmPlatform[];
};

export type ApnsSettings = {
  readonly mode: Mode;
  readonly credentials: ApnsCredentials;
  readonly defaultTopic: string | undefined;
  readonly endpoint: string | undefined;
  readonly connections: number;
};

export type ProviderSettings = {
  readonly fcm: FcmSettings | undefined;
  readonly apns: readonly ApnsSettings[];
  readonly webPush: WebPushSettings | undefined;
  readonly verify: boolean;
};

const schema = Type.Object(providerVariables);
type Values = Readonly<Record<string, unknown>> & Static<typeof schema>;

/** Reads the credentials of what is enabled; `undefined` when nothing is. Every problem names its variable. */
export const readProviderSettings = (values: Values, problems: Problem[]): ProviderSettings | undefined => {
  if (!values.PUSH_FCM_ENABLED && !values.PUSH_APNS_ENABLED && !values.PUSH_WEBPUSH_ENABLED) return undefined;
  return {
    fcm: values.PUSH_FCM_ENABLED ? readFcm(values, problems) : undefined,
    apns: values.PUSH_APNS_ENABLED ? readApns(values, problems) : [],
    webPush: readWebPushSettings(values, problems),
    verify: values.TLS_SERVER_CERT_VALIDATION,
  };
};

const readFcm = (values: Values, problems: Problem[]): FcmSettings | undefined => {
  const variable = 'PUSH_FCM_APP_FILE';
  const text = readCredential(values, variable, problems, 'PUSH_FCM_ENABLED is true');
  const platforms = values.PUSH_FCM_PLATFORMS.split(',').filter((each) => each !== '');
  const known = fcmPlatforms.filter((each) => platforms.includes(each));
  if (known.length < platforms.length)
    problems.push({ variable: 'PUSH_FCM_PLATFORMS', why: `expected some of ${fcmPlatforms.join(', ')}` });
  if (text === undefined) return undefined;
  const parsed = parseServiceAccount(text);
  if (!parsed.ok) {
    problems.push({ variable, why: `${String(values[variable])} is no service account: ${parsed.problem}` });
    return undefined;
  }
  return {
    account: parsed.account,
    origin: `https://${values.PUSH_FCM_ENDPOINT}:${values.PUSH_FCM_PORT}`,
    tokenUri: values.FCM_AUTH_ENDPOINT,
    connections: values.PUSH_FCM_POOL_SIZE,
    platforms: known,
  };
};

const readApns = (values: Values, problems: Problem[]): readonly ApnsSettings[] => {
  const needed = values.PUSH_APNS_AUTH_TYPE === 'token' ? ['P8_TOKEN', 'KEY_ID', 'TEAM_ID'] : ['CERT', 'KEY'];
  const of = (mode: Mode, rest: string) => values[`PUSH_APNS_${mode.toUpperCase()}_${rest}`];
  const configured = modes.filter((mode) => needed.some((rest) => of(mode, rest) !== undefined));
  if (configured.length === 0)
    problems.push({
      variable: 'PUSH_APNS_ENABLED',
      why: `is true, and neither mode has credentials: set PUSH_APNS_PROD_{${needed.join(',')}}, or the same of DEV`,
    });
  return configured.flatMap((mode) => {
    const credentials = readApnsMode(values, mode, problems);
    if (!credentials) return [];
    const host = of(mode, 'ENDPOINT') as string | undefined;
    const port = of(mode, 'USE_2197') === true ? 2197 : 443;
    const own = mode === 'prod' ? 'api.push.apple.com' : 'api.sandbox.push.apple.com';
    return [
      {
        mode,
        credentials,
        defaultTopic: of(mode, 'DEFAULT_TOPIC') as string | undefined,
        endpoint: `https://${host ?? own}:${port}`,
        connections: of(mode, 'POOL_SIZE') as number,
      },
    ];
  });
};

const words: Readonly<Record<ApnsCredentialsProblem, string>> = {
  key_unreadable: 'holds no private key that can be read (PEM, not encrypted)',
  key_not_p256: 'holds a key that is not on P-256; APNs takes ES256 only',
  certificate_unreadable: 'holds no certificate that can be read (PEM)',
  key_of_another_certificate: 'is the key of another certificate',
};

const readApnsMode = (values: Values, mode: Mode, problems: Problem[]): ApnsCredentials | undefined => {
  const prefix = `PUSH_APNS_${mode.toUpperCase()}_`;
  const why = `APNs is enabled for ${mode}`;
  const file = (rest: string) => readCredential(values, prefix + rest, problems, why);
  const word = (rest: string): string | undefined => {
    const value = values[prefix + rest] as string | undefined;
    if (value === undefined) problems.push({ variable: prefix + rest, why: `is not set, though ${why}` });
    return value;
  };
  const auth = values.PUSH_APNS_AUTH_TYPE === 'token' ? tokenAuth(file, word) : certificateAuth(file);
  if (!auth) return undefined;
  const read = readApnsCredentials(auth);
  if (read.ok) return read.credentials;
  const rest = auth.type === 'token' ? 'P8_TOKEN' : read.why === 'certificate_unreadable' ? 'CERT' : 'KEY';
  problems.push({ variable: prefix + rest, why: words[read.why] });
  return undefined;
};

type Read = (rest: string) => string | undefined;

const tokenAuth = (file: Read, word: Read): ApnsAuth | undefined => {
  const [p8, keyId, teamId] = [file('P8_TOKEN'), word('KEY_ID'), word('TEAM_ID')];
  return p8 !== undefined && keyId !== undefined && teamId !== undefined
    ? { type: 'token', p8, keyId, teamId }
    : undefined;
};

const certificateAuth = (file: Read): ApnsAuth | undefined => {
  const [cert, key] = [file('CERT'), file('KEY')];
  return cert !== undefined && key !== undefined ? { type: 'certificate', cert, key } : undefined;
};

/** The content of the file that a variable names. */
const readCredential = (values: Values, variable: string, problems: Problem[], why: string): string | undefined => {
  const name = values[variable];
  if (typeof name !== 'string') {
    problems.push({ variable, why: `is not set, though ${why}` });
    return undefined;
  }
  try {
    return readFileSync(name, 'utf8');
  } catch (error) {
    problems.push({ variable, why: `cannot read ${name} (${(error as NodeJS.ErrnoException).code})` });
    return undefined;
  }
};
