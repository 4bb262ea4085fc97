import { createOpsServer, run } from '@pushmesh/lifecycle';
import { createLog, createMetrics, metricNames } from '@pushmesh/telemetry';
import { sandboxRoutes } from './adapters/sandbox/routes.ts';
import { createSandbox } from './adapters/sandbox/sandbox.ts';
import { readPushServiceConfig } from './config.ts';
import { createPushService } from './service.ts';

// What we were told
const config = readPushServiceConfig();
const log = createLog('push-service', config.LOG_LEVEL);
const registry = createMetrics('push-service');
const metrics = registry.add(metricNames.pushService);

// The edge: what stands for FCM and APNs
const sandbox = createSandbox({
  apnsTopic: config.SANDBOX_APNS_TOPIC,
  maxPhones: config.SANDBOX_MAX_PHONES,
  maxNotifications: config.SANDBOX_MAX_NOTIFICATIONS,
  maxSubscribers: config.SANDBOX_MAX_SUBSCRIBERS,
  clock: Date.now,
  onEvicted: (count) => metrics.sandboxEvicted.inc(count),
});

// The API in front of it
const service = createPushService({
  host: config.HTTP_HOST,
  port: config.HTTP_PORT,
  providers: sandbox.providers,
  routes: sandboxRoutes(sandbox),
  log,
  metrics,
  clock: Date.now,
});

// Life
const resources = [service.resource];
const ops = createOpsServer({ host: config.OPS_HOST, port: config.OPS_PORT, log, metrics: registry, resources });
log.info({ event: 'provider', provider: config.PROVIDER, reaches: 'no phone' });

await run({
  log,
  deadlineMs: config.SHUTDOWN_DEADLINE_MS,
  delayMs: config.SHUTDOWN_DELAY_MS,
  resources: [ops.resource, ...resources],
  onStopping: ops.markStopping,
});
