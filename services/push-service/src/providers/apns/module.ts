import type { ProviderModule } from '../module.ts';
import { findingOfApnsReason } from './findings.ts';
import { apnsIdentityOf } from './identity.ts';
import { createApnsPool } from './pool.ts';
import { apnsPoolsFile } from './pools-file.ts';
import { createProviderTokens } from './provider-tokens.ts';
import { apnsCredentialVariables, apnsRereadVariables, readApnsPools, unusedApnsVariables } from './settings.ts';
import type { ApnsSettings } from './settings.ts';
import { tryOutApnsPool } from './try-out.ts';
import { apnsVariables } from './variables.ts';
import type { ApnsValues } from './variables.ts';

/** Apple Push Notification service. */
export const apnsModule = {
  service: 'apns',
  variables: apnsVariables,
  enabledBy: 'PUSH_APNS_ENABLED',
  prefixes: ['PUSH_APNS_'],
  credentialVariables: apnsCredentialVariables,
  rereadVariables: apnsRereadVariables,
  readPools: readApnsPools,
  poolsFile: apnsPoolsFile,
  unusedVariables: unusedApnsVariables,
  createRuntime: (options) => {
    const tokens = createProviderTokens({ clock: options.clock, monotonic: () => performance.now() });
    return {
      createPool: (settings, deps) => createApnsPool(settings, { ...options, tokens }, deps),
      tryOut: (settings) => tryOutApnsPool(settings, { ...options, tokens }),
    };
  },
  identityOf: apnsIdentityOf,
  describe: ({ mode, defaultTopic = 'none', endpoint }) => `APNs, ${mode}, topic ${defaultTopic} at ${endpoint}`,
  findingOfReason: findingOfApnsReason,
  operatorReasons: new Map([['MissingTopic', 'the default topic of this pool: it has none, and this push named none']]),
} satisfies ProviderModule<ApnsValues, ApnsSettings>;
