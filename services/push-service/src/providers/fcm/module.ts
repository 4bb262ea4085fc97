import type { ProviderModule } from '../module.ts';
import { findingOfFcmReason } from './findings.ts';
import { fcmIdentityOf } from './identity.ts';
import { createFcmPool } from './pool.ts';
import { fcmPoolsFile } from './pools-file.ts';
import { readFcmPools } from './settings.ts';
import type { FcmSettings } from './settings.ts';
import { tryOutFcmPool } from './try-out.ts';
import { fcmVariables } from './variables.ts';
import type { FcmValues } from './variables.ts';

/** Firebase Cloud Messaging, HTTP v1. */
export const fcmModule = {
  service: 'fcm',
  variables: fcmVariables,
  enabledBy: 'PUSH_FCM_ENABLED',
  prefixes: ['PUSH_FCM_', 'FCM_AUTH_'],
  credentialVariables: ['PUSH_FCM_APP_FILE'],
  rereadVariables: [],
  readPools: readFcmPools,
  poolsFile: fcmPoolsFile,
  createRuntime: (options) => ({
    createPool: (settings, deps) => createFcmPool(settings, options, deps),
    tryOut: (settings) => tryOutFcmPool(settings, options),
  }),
  identityOf: fcmIdentityOf,
  describe: (settings) => `FCM, project ${projectOf(settings)} at ${settings.origin}`,
  findingOfReason: findingOfFcmReason,
  operatorReasons: new Map(),
} satisfies ProviderModule<FcmValues, FcmSettings>;

const projectOf = ({ loaded: { read } }: FcmSettings): string => (read.ok ? read.credentials.projectId : '');
