import { orExit } from '@pushmesh/config';
import { runService } from '@pushmesh/lifecycle';
import { createLog, createMetrics } from '@pushmesh/telemetry';
import { createPushService } from './api/server.ts';
import { readPushServiceConfig } from './config.ts';
import { createCredentialAlerts } from './credentials/alerts.ts';
import { createCredentialWatch } from './credentials/watch.ts';
import { pushServiceMetrics } from './metrics.ts';
import { bindWithoutProperty } from './providers/http2/async-resource-bind.ts';
import { openProviders, poolsOf } from './providers/open.ts';
import type { ProviderSettings } from './providers/read-settings.ts';
import { createSandboxProviders } from './sandbox/providers.ts';
import { sandboxRoutes } from './sandbox/routes.ts';
import { openSandbox } from './sandbox/sandbox.ts';

// Configuration
const config = orExit(readPushServiceConfig);
const log = createLog('push-service', config.LOG_LEVEL);
const registry = createMetrics('push-service');
const metrics = registry.add(pushServiceMetrics);
const uptime = () => performance.now();

bindWithoutProperty();

// The edge: APNs, FCM and Web Push as configured, or fakes of them
const real = config.providers && openReal(config.providers);
const sandbox = real ? undefined : await startSandbox();
const providers = real?.providers ?? sandbox?.providers ?? [];
metrics.sandbox.set(sandbox ? 1 : 0);

// The API in front of it
const service = createPushService({
  http: config.http,
  providers,
  alerts: createCredentialAlerts({ log, uptime }),
  ...(sandbox && { routes: sandboxRoutes(sandbox) }),
  log,
  metrics,
  clock: Date.now,
});

// Start and stop
const resources = [...(real?.resources ?? []), ...(sandbox ? [sandbox.resource] : []), service.resource];
if (sandbox)
  log.warn({ event: 'sandbox', reaches: 'no phone', why: 'neither PUSH_…_ENABLED nor PUSH_POOLS_FILE is set' });
else log.info({ event: 'providers', enabled: poolsOf(providers) });
if (config.unused.length > 0) log.warn({ event: 'unused-variables', unused: config.unused });

await runService({ log, metrics: registry, config, resources });

/** The configured providers, and the watch over their credential files. */
function openReal(settings: ProviderSettings) {
  const { providers: opened, pools, tryOut, resource } = openProviders(settings, { log, metrics });
  const watch = createCredentialWatch({
    pools,
    tryOut,
    reread: config.rereadProviders,
    pollMs: settings.pollMs,
    log,
    metrics,
    clock: Date.now,
    random: Math.random,
  });
  return { providers: opened, resources: [resource, watch.resource] };
}

function startSandbox() {
  return openSandbox({
    maxPhones: config.SANDBOX_MAX_PHONES,
    maxNotifications: config.SANDBOX_MAX_NOTIFICATIONS,
    maxSubscribers: config.SANDBOX_MAX_SUBSCRIBERS,
    providersOf: (known) => createSandboxProviders(known, config.SANDBOX_APNS_TOPIC, { log, metrics }),
    metrics,
  });
}
