// `npm run check-credentials`: tries the configured credentials out with the providers, and says what is wrong with them.
// No push reaches a device. Exits with 0 when all can be used, with 1 otherwise, with 2 when it is asked for something else.
import { ConfigError, readCommandLine } from '@pushmesh/config';
import { createProviderTokens } from './providers/apns/provider-tokens.ts';
import { readPushServiceConfig } from './config.ts';
import { checkCredentials } from './credentials/check.ts';
import { createTryOut } from './providers/try-out.ts';

readCommandLine({
  usage: 'Usage: npm run check-credentials   (of the variables of push-service; see docs/push-service.md)',
  options: {},
  read: () => {},
});

const check = async (): Promise<{ readonly ok: boolean; readonly text: string }> => {
  const { providers, unused } = readPushServiceConfig();
  if (!providers)
    return {
      ok: false,
      text: 'nothing to check: set PUSH_FCM_ENABLED, PUSH_APNS_ENABLED, PUSH_WEBPUSH_ENABLED or PUSH_POOLS_FILE (docs/reference/configuration.md)',
    };
  const apnsTokens = createProviderTokens({ clock: Date.now, monotonic: () => performance.now() });
  const tryOut = createTryOut({ verify: providers.verify, timeoutMs: 10_000, clock: Date.now, apnsTokens });
  const { ok, text } = await checkCredentials({ settings: providers, tryOut, clock: Date.now });
  const notUsed = unused.map(({ variables, why }) => `not used: ${variables.join(', ')}: ${why}`);
  return { ok, text: [text, ...notUsed].join('\n') };
};

const orProblems = (error: unknown) => {
  if (!(error instanceof ConfigError)) throw error;
  return { ok: false, text: error.message };
};

const { ok, text } = await check().catch(orProblems);
console.log(text);
process.exitCode = ok ? 0 : 1;
