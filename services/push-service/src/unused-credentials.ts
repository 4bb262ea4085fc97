import type { Problem } from '@pushmesh/config';
import type { ProviderValues } from './provider-config.ts';

const credentials = [
  { pattern: /^PUSH_FCM_APP_FILE$/, enabledBy: 'PUSH_FCM_ENABLED' },
  { pattern: /^PUSH_APNS_(DEV|PROD)_(P8_TOKEN|KEY_ID|TEAM_ID|CERT|KEY)$/, enabledBy: 'PUSH_APNS_ENABLED' },
  { pattern: /^PUSH_WEBPUSH_VAPID_KEY$/, enabledBy: 'PUSH_WEBPUSH_ENABLED' },
];

/**
 * What is wrong when no provider is enabled: whoever has credentials means to reach phones, and the sandbox would answer 200
 * and reach none.
 */
export const problemsOfUnusedCredentials = (values: ProviderValues, env: NodeJS.ProcessEnv): readonly Problem[] => {
  const unused = Object.keys(values)
    .filter((variable) => values[variable] !== undefined)
    .flatMap((variable) =>
      credentials
        .filter(({ pattern }) => pattern.test(variable))
        .map(({ enabledBy }) => ({
          variable,
          why: `is set, and ${enabledBy} is not true: set it to true, or remove this one`,
        })),
    );
  if (env['PUSH_POOLS_FILE'] !== '') return unused;
  return [...unused, { variable: 'PUSH_POOLS_FILE', why: 'is empty: name a file, or remove it' }];
};
