import { credentialsOf } from '../credentials/loaded.ts';
import type { ProviderModule } from '../module.ts';
import { webPushFindings } from './findings.ts';
import { createWebPushPool } from './pool.ts';
import { readWebPushPools, webPushVariables } from './settings.ts';
import type { WebPushSettings, WebPushValues } from './settings.ts';

/** Web Push (RFC 8030): browsers and UnifiedPush apps. */
export const webPushModule = {
  service: 'webpush',
  variables: webPushVariables,
  enabledBy: 'PUSH_WEBPUSH_ENABLED',
  prefixes: ['PUSH_WEBPUSH_', 'PUSH_WEB_PUSH_'],
  credentialVariables: ['PUSH_WEBPUSH_VAPID_KEY'],
  rereadVariables: [],
  readPools: readWebPushPools,
  createRuntime: (options) => ({
    createPool: (settings, deps) => createWebPushPool(settings, options, deps),
    // All that can be found out without a push service was found out when the key was read.
    tryOut: () => Promise.resolve({ finding: webPushFindings.vapid_fine, skewMs: undefined }),
  }),
  // Neither the key nor anything else is read again: only a restart changes them.
  identityOf: () => ({ app: {}, fixed: {} }),
  describe: (settings) => {
    const { subject, publicKey } = credentialsOf(settings);
    return `Web Push, ${subject}, applicationServerKey ${publicKey}`;
  },
  // No answer says anything about our credentials: the subscriber chooses which server answers.
  findingOfReason: () => undefined,
  operatorReasons: new Map(),
} satisfies ProviderModule<WebPushValues, WebPushSettings>;
