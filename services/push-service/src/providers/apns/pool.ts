import { credentialsOf } from '../credentials/loaded.ts';
import { reportChanges } from '../http2/report-changes.ts';
import { queueLimit } from '../http2/pool.ts';
import type { PoolDeps, ProviderPool, RuntimeOptions } from '../module.ts';
import { createApnsProvider } from './provider.ts';
import type { ProviderTokens } from './provider-tokens.ts';
import type { ApnsSettings } from './settings.ts';

type Options = RuntimeOptions & { readonly tokens: ProviderTokens };

export const createApnsPool = (
  settings: ApnsSettings,
  { verify, ca, timeoutMs, clock, tokens }: Options,
  deps: PoolDeps,
): ProviderPool<ApnsSettings> => {
  const { name, mode, tags, defaultTopic, endpoint, connections } = settings;
  const provider = createApnsProvider({
    name,
    mode,
    tags,
    credentials: credentialsOf(settings),
    defaultTopic,
    endpoint,
    ...(ca !== undefined && { ca }),
    verify,
    pool: { connections, queueLimit, timeoutMs, onState: reportChanges(name, deps) },
    clock,
    tokens,
  });
  return {
    settings,
    providers: [provider],
    open: provider.open,
    isKnown: () => provider.connections().connected > 0,
    swap: (next) => provider.swapCredentials(credentialsOf(next)),
    close: provider.close,
  };
};
