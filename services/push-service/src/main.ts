import { orExit } from '@pushmesh/config';
import { runService } from '@pushmesh/lifecycle';
import { createLog, createMetrics } from '@pushmesh/telemetry';
import { bindWithoutProperty } from './providers/http2/async-resource-bind.ts';
import { sandboxRoutes } from './sandbox/routes.ts';
import { openSandbox } from './sandbox/sandbox.ts';
import { readPushServiceConfig } from './config.ts';
import { createProviders, poolsOf } from './providers.ts';
import { createSandboxProviders } from './sandbox/providers.ts';
import { createPushService } from './api/server.ts';
import { pushServiceMetrics } from './metrics.ts';

// What we were told
const config = orExit(readPushServiceConfig);
const log = createLog('push-service', config.LOG_LEVEL);
const registry = createMetrics('push-service');
const metrics = registry.add(pushServiceMetrics);

bindWithoutProperty();

// The edge: APNs, FCM and Web Push as configured, or fakes of them
const real = config.providers && createProviders(config.providers, { log, metrics, reread: config.rereadProviders });
const sandbox = real ? undefined : await startSandbox();
metrics.sandbox.set(sandbox ? 1 : 0);

// The API in front of it
const service = createPushService({
  http: config.http,
  providers: real?.providers ?? sandbox?.providers ?? [],
  ...(sandbox && { routes: sandboxRoutes(sandbox) }),
  log,
  metrics,
  clock: Date.now,
});

// Life
if (sandbox)
  log.warn({ event: 'sandbox', reaches: 'no phone', why: 'neither PUSH_…_ENABLED nor PUSH_POOLS_FILE is set' });
else log.info({ event: 'providers', enabled: poolsOf(real?.providers ?? []) });
if (config.unused.length > 0) log.warn({ event: 'unused-variables', unused: config.unused });

const resources = [...[real ?? sandbox].flatMap((each) => each?.resource ?? []), service.resource];
await runService({ log, metrics: registry, config, resources });

function startSandbox() {
  return openSandbox({
    maxPhones: config.SANDBOX_MAX_PHONES,
    maxNotifications: config.SANDBOX_MAX_NOTIFICATIONS,
    maxSubscribers: config.SANDBOX_MAX_SUBSCRIBERS,
    providersOf: (known) => createSandboxProviders(known, config.SANDBOX_APNS_TOPIC, { log, metrics }),
    metrics,
  });
}
