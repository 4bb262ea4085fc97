import type { Problem } from '@pushmesh/config';
import type { ProviderValues } from './settings.ts';
import { providerVariables } from './variables.ts';

/** Variables that are set and do nothing: why, and what to do. */
export type Unused = { readonly variables: readonly string[]; readonly why: string };

const credentials = [
  { pattern: /^PUSH_FCM_APP_FILE$/, enabledBy: 'PUSH_FCM_ENABLED' },
  { pattern: /^PUSH_APNS_(DEV|PROD)_(P8_TOKEN|KEY_ID|TEAM_ID|CERT|KEY)$/, enabledBy: 'PUSH_APNS_ENABLED' },
  { pattern: /^PUSH_WEBPUSH_VAPID_KEY$/, enabledBy: 'PUSH_WEBPUSH_ENABLED' },
] as const;

const ofOnePool = /^(?:PUSH_FCM_|PUSH_APNS_|FCM_AUTH_)(?!ENABLED$)/;

const ofOtherAuthType = {
  token: { pattern: /^PUSH_APNS_(DEV|PROD)_(CERT|KEY)$/, other: 'certificate' },
  certificate: { pattern: /^PUSH_APNS_(DEV|PROD)_(P8_TOKEN|KEY_ID|TEAM_ID)$/, other: 'token' },
} as const;

/**
 * What is wrong when no provider is enabled: whoever has credentials means to reach phones, and the sandbox would answer 200
 * and reach none.
 */
export const problemsOfUnusedCredentials = (values: ProviderValues, env: NodeJS.ProcessEnv): readonly Problem[] => {
  const unused = credentials.flatMap(({ pattern, enabledBy }) =>
    setVariables(values, pattern).map((variable) => ({
      variable,
      why: `is set, and ${enabledBy} is not true: set it to true, or remove this one`,
    })),
  );
  if (env['PUSH_POOLS_FILE'] !== '') return unused;
  return [...unused, { variable: 'PUSH_POOLS_FILE', why: 'is empty: name a file, or remove it' }];
};

/** What does nothing beside the providers that are enabled: no problem, for others may be prepared, but hardly ever meant. */
export const unusedVariables = (values: ProviderValues): readonly Unused[] => {
  const { pattern, other } = ofOtherAuthType[values.PUSH_APNS_AUTH_TYPE];
  const hasPoolsFile = values.PUSH_POOLS_FILE !== undefined;
  const rules = [
    ...(hasPoolsFile
      ? [{ pattern: ofOnePool, why: 'PUSH_POOLS_FILE is set: say it there of a pool, or remove them' }]
      : []),
    ...credentials
      .filter(({ enabledBy }) => !values[enabledBy] && !(hasPoolsFile && enabledBy !== 'PUSH_WEBPUSH_ENABLED'))
      .map((each) => ({ pattern: each.pattern, why: `${each.enabledBy} is not true: set it to true, or remove them` })),
    ...(values.PUSH_APNS_ENABLED
      ? [{ pattern, why: `PUSH_APNS_AUTH_TYPE is ${values.PUSH_APNS_AUTH_TYPE}: set it to ${other}, or remove them` }]
      : []),
  ];
  return rules
    .map((rule) => ({ variables: setVariables(values, rule.pattern), why: rule.why }))
    .filter(({ variables }) => variables.length > 0);
};

const known: Readonly<Record<string, object>> = providerVariables;

/** Those with another value than their default, which would say nothing. */
const setVariables = (values: ProviderValues, pattern: RegExp): readonly string[] =>
  Object.entries(known)
    .filter(([variable, schema]) => {
      const usual: unknown = 'default' in schema ? schema.default : undefined;
      return pattern.test(variable) && values[variable] !== usual;
    })
    .map(([variable]) => variable);
