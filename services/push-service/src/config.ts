import { groups, readConfig } from '@pushmesh/config';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { httpVariables, readHttpSettings } from './api/settings.ts';
import type { HttpSettings } from './api/settings.ts';
import {
  problemsOfFiles,
  providerVariables,
  readProviderSettings,
  rereadProviderSettings,
} from './providers/read-settings.ts';
import type { ProviderSettings, RereadProviders } from './providers/read-settings.ts';
import { providerModules } from './providers/registry.ts';
import type { Unused } from './providers/settings/set-variables.ts';
import { problemsOfUnusedCredentials, unusedVariables } from './providers/unused-variables.ts';

/** The variables of push-service. */
export const pushServiceConfig = Type.Object({
  ...httpVariables,
  ...providerVariables,
  SANDBOX_APNS_TOPIC: Type.String({
    default: 'com.example.app',
    pattern: '^[!-~]{1,250}$',
    description: 'the APNs topic (bundle id) of requests that name none, in the sandbox',
    examples: ['org.example.chat'],
  }),
  SANDBOX_MAX_PHONES: Type.Integer({
    default: 1_000,
    minimum: 1,
    description:
      'how many phones the sandbox remembers; it forgets the one that has received nothing for the longest time',
    examples: [1000],
  }),
  SANDBOX_MAX_NOTIFICATIONS: Type.Integer({
    default: 50,
    minimum: 1,
    description: 'how many notifications of each phone the sandbox remembers',
    examples: [50],
  }),
  SANDBOX_MAX_SUBSCRIBERS: Type.Integer({
    default: 32,
    minimum: 1,
    description: 'how many clients may listen to /sandbox/events at a time; an open page is one',
    examples: [32],
  }),
  ...groups.ops,
  ...groups.log,
});

export type PushServiceConfig = Static<typeof pushServiceConfig> & {
  readonly http: HttpSettings;
  /** The providers that are configured; if none is, the sandbox stands in for all of them. */
  readonly providers: ProviderSettings | undefined;
  /** Variables of providers that are set and have no effect. */
  readonly unused: readonly Unused[];
  /** Reads again what files say about the providers. */
  readonly rereadProviders: RereadProviders;
};

/** `ignored`: MongoosePush's number of acceptors, and its page with the API. */
const own = {
  prefixes: [
    ...providerModules.flatMap(({ prefixes }) => prefixes),
    'PUSH_HTTPS_',
    'PUSH_OPENAPI_',
    'PUSH_POOL',
    'PUSH_CREDENTIALS_',
    'HTTP_BEARER_',
    'SANDBOX_APNS_',
    'SANDBOX_MAX_',
  ],
  ignored: ['PUSH_HTTPS_ACCEPTORS', 'PUSH_OPENAPI_EXPOSE_UI'],
};

/** @throws {ConfigError} with every problem at once */
export const readPushServiceConfig = (env: NodeJS.ProcessEnv = process.env): PushServiceConfig =>
  readConfig(
    pushServiceConfig,
    env,
    (values, problems) => {
      const providers = readProviderSettings(values, problems);
      problems.push(...(providers ? problemsOfFiles(providers) : problemsOfUnusedCredentials(values, env)));
      return {
        ...values,
        http: readHttpSettings(values, problems),
        providers,
        unused: unusedVariables(values),
        rereadProviders: () => rereadProviderSettings(values, env),
      };
    },
    own,
  );
