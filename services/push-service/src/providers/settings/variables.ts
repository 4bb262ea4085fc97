import { Type } from 'typebox';
import { fcmPlatforms } from '../fcm/platforms.ts';
import { webPushVariables } from '../web-push/settings.ts';

// The variables of MongoosePush’s container (`config/prod.exs`), so that its users switch without new names, and ours.

/** The most connections of a pool, unless it says otherwise. */
export const poolSize = 5;

const flag = (description: string) => Type.Boolean({ default: false, description, examples: [true] });
const word = (description: string, example: string) => Type.Optional(Type.String({ description, examples: [example] }));
const path = (description: string, example: string) =>
  Type.Optional(Type.String({ path: true, description, examples: [example] }));
const poolSizeOf = (what: string) =>
  Type.Integer({
    default: poolSize,
    minimum: 1,
    maximum: 100,
    description: `the most connections to ${what}`,
    examples: [5],
  });

/** A host, with a port where it is not the usual one. */
export const hostPattern = '^[A-Za-z0-9.-]+(:[0-9]{1,5})?$';
/** The whole URL of a token endpoint: a form that is posted to a host alone, or without TLS, gets no token. */
export const tokenUrlPattern = '^https://[^/?#\\s]+/[^\\s]+$';
/** "Firebase Cloud Messaging: quotas and limits": what a project has that never asked for more. */
export const fcmQuotaPerMinute = 600_000;

const apnsVariables = (mode: 'DEV' | 'PROD') => {
  const name = (rest: string) => `PUSH_APNS_${mode}_${rest}`;
  const what = `APNs, ${mode.toLowerCase()}`;
  return {
    [name('P8_TOKEN')]: path(`the path of the .p8 key (${what}, token authentication)`, '/run/secrets/apns.p8'),
    [name('KEY_ID')]: word(`the id of that key (${what})`, 'ABC123DEFG'),
    [name('TEAM_ID')]: word(`the team that the key belongs to (${what})`, 'DEF123GHIJ'),
    [name('CERT')]: path(
      `the path of the certificate in PEM (${what}, certificate authentication)`,
      '/run/secrets/apns.pem',
    ),
    [name('KEY')]: path(`the path of its private key in PEM (${what})`, '/run/secrets/apns.key.pem'),
    [name('DEFAULT_TOPIC')]: word(
      `the topic (bundle id) of requests that name none; that of the certificate where it is not set (${what})`,
      'org.example.chat',
    ),
    [name('ENDPOINT')]: Type.Optional(
      Type.String({
        pattern: hostPattern,
        description: `another host than Apple’s own (${what})`,
        examples: ['api.push.apple.com'],
      }),
    ),
    [name('USE_2197')]: flag(`whether port 2197 is used instead of 443 (${what})`),
    [name('POOL_SIZE')]: poolSizeOf(what),
  };
};

export const providerVariables = {
  PUSH_POOLS_FILE: path(
    'the path of a JSON file with several FCM projects and APNs apps, each with its tags (docs/push-service.md); instead of PUSH_FCM_ENABLED and PUSH_APNS_ENABLED',
    '/etc/push-service/pools.json',
  ),
  PUSH_CREDENTIALS_POLL_MS: Type.Integer({
    default: 5_000,
    minimum: 100,
    maximum: 3_600_000,
    description:
      'how often the credential files are read for changes; what has changed is tried out, then used without a restart',
    examples: [5000],
  }),
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
  PUSH_FCM_POOL_SIZE: poolSizeOf('FCM'),
  PUSH_FCM_PLATFORMS: Type.String({
    default: fcmPlatforms.join(','),
    description: 'the platforms besides Android that the app exists on, of `apns` and `webpush`, separated by commas',
    examples: ['apns'],
  }),
  PUSH_FCM_QUOTA_PER_MINUTE: Type.Integer({
    default: fcmQuotaPerMinute,
    minimum: 1,
    description: 'the messages a minute that Google grants the project; only the metric knows it',
    examples: [fcmQuotaPerMinute],
  }),
  FCM_AUTH_ENDPOINT: Type.Optional(
    Type.String({
      pattern: tokenUrlPattern,
      description: 'another token endpoint than the one that the key names: the whole URL, with https:// and its path',
      examples: ['https://oauth2.googleapis.com/token'],
    }),
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
