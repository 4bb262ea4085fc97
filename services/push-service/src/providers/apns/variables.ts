import { Type } from 'typebox';
import type { Static, TObject } from 'typebox';
import { flag, hostPattern, path, poolSizeOf, word } from '../settings/variables.ts';

// Those of MongoosePush's container (`config/prod.exs`), so that its users can switch without new names, and ours.

const ofMode = (mode: 'DEV' | 'PROD') => {
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
      `the topic (bundle id) of requests that name none; if it is not set, that of the certificate (${what})`,
      'org.example.chat',
    ),
    [name('ENDPOINT')]: Type.Optional(
      Type.String({
        pattern: hostPattern,
        description: `a host other than Apple's own (${what})`,
        examples: ['api.push.apple.com'],
      }),
    ),
    [name('USE_2197')]: flag(`whether port 2197 is used instead of 443 (${what})`),
    [name('POOL_SIZE')]: poolSizeOf(what),
  };
};

export const apnsVariables = {
  PUSH_APNS_ENABLED: flag('whether pushes go to APNs'),
  PUSH_APNS_AUTH_TYPE: Type.Enum(['token', 'certificate'], {
    default: 'token',
    description: 'how push-service authenticates to APNs',
    examples: ['token'],
  }),
  ...ofMode('DEV'),
  ...ofMode('PROD'),
};

export type ApnsValues = Readonly<Record<string, unknown>> & Static<TObject<typeof apnsVariables>>;
