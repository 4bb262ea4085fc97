// `npm run check-credentials`: tries out the configured credentials with the providers, and says what is wrong with them.
// No push reaches a device. Exits with 0 if all can be used, with 1 otherwise, with 2 if the command line is wrong.
import { ConfigError, readCommandLine } from '@pushmesh/config';
import { readPushServiceConfig } from './config.ts';
import { checkCredentials } from './credentials/check.ts';
import { createRuntime } from './providers/open.ts';
import { providerModules } from './providers/registry.ts';

readCommandLine({
  usage: 'Usage: npm run check-credentials   (it reads the variables of push-service; see docs/push-service.md)',
  options: {},
  read: () => {},
});

const nothing = `nothing to check: set ${providerModules.map(({ enabledBy }) => enabledBy).join(', ')} or PUSH_POOLS_FILE (docs/reference/configuration.md)`;

const check = async (): Promise<{ readonly ok: boolean; readonly text: string }> => {
  const { providers, unused } = readPushServiceConfig();
  if (!providers) return { ok: false, text: nothing };
  const { tryOut } = createRuntime({ verify: providers.verify, timeoutMs: 10_000, clock: Date.now });
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
