import { readConfig } from '@pushmesh/config';
import { Type } from 'typebox';
import type { Static } from 'typebox';

const port = (what: string, byDefault: number) =>
  Type.Integer({
    default: byDefault,
    minimum: 0,
    maximum: 65535,
    description: `the port of ${what} (0: any free port)`,
    examples: [byDefault],
  });

/** The variables of `npm run fakes`. */
export const fakesConfig = Type.Object({
  FAKES_HOST: Type.String({
    default: '127.0.0.1',
    description: 'the address that the fakes listen on',
    examples: ['0.0.0.0'],
  }),
  FAKES_NAME: Type.String({
    default: 'localhost',
    pattern: '^[A-Za-z0-9.-]{1,253}$',
    description: 'the host name by which push-service reaches the fakes; their certificates are issued for it',
    examples: ['fakes.staging.example'],
  }),
  FAKES_FCM_PORT: port('FCM', 24_431),
  FAKES_OAUTH_PORT: port('the OAuth endpoint in front of FCM', 24_432),
  FAKES_APNS_PROD_PORT: port('APNs, prod', 24_433),
  FAKES_APNS_DEV_PORT: port('APNs, dev', 24_434),
  FAKES_WEB_PUSH_PORT: port('the Web Push service', 24_435),
  FAKES_CONTROL_HOST: Type.String({
    default: '127.0.0.1',
    description: 'the address that the control API listens on; it has no authentication, so keep it private',
    examples: ['0.0.0.0'],
  }),
  FAKES_CONTROL_PORT: port('the control API', 24_436),
  FAKES_MAX_DEVICES: Type.Integer({
    default: 10_000,
    minimum: 1,
    description:
      'how many devices are remembered; beyond that, the one that has received nothing for longest is forgotten',
    examples: [10000],
  }),
  FAKES_MAX_NOTIFICATIONS: Type.Integer({
    default: 20,
    minimum: 1,
    description: 'how many notifications are remembered per device; for all devices together, up to 64 MiB',
    examples: [20],
  }),
});

/** @throws {ConfigError} with every problem at once */
export const readFakesConfig = (env?: NodeJS.ProcessEnv): Static<typeof fakesConfig> =>
  readConfig(fakesConfig, env, undefined, { prefixes: ['FAKES_'] });
