import { createLog, createMetrics } from '@pushmesh/telemetry';
import { sandboxRoutes } from '../src/sandbox/routes.ts';
import { openSandbox } from '../src/sandbox/sandbox.ts';
import type { HttpSettings } from '../src/api/settings.ts';
import type { Timeouts } from '../src/api/transport.ts';
import type { Provider } from '../src/push/provider.ts';
import { createSandboxProviders } from '../src/sandbox/providers.ts';
import { createPushService } from '../src/api/server.ts';
import { createCredentialAlerts } from '../src/credentials/alerts.ts';
import { pushServiceMetrics } from '../src/metrics.ts';

type Options = {
  readonly maxPhones?: number;
  readonly maxNotifications?: number;
  readonly maxSubscribers?: number;
  readonly http?: Partial<HttpSettings>;
  readonly timeouts?: Partial<Timeouts>;
  /** Instead of the sandbox's. */
  readonly providers?: readonly Provider[];
};

/** A ready push-service with its sandbox, in this process, on a free loopback port. `lines` are its log lines. */
export const startPushService = async ({ http, timeouts, providers, ...bounds }: Options = {}) => {
  const lines: string[] = [];
  const registry = createMetrics('push-service');
  const metrics = registry.add(pushServiceMetrics);
  const log = createLog('push-service', 'trace', { write: (line: string) => void lines.push(line) });
  const sandbox = await openSandbox({
    maxPhones: 1000,
    maxNotifications: 50,
    maxSubscribers: 4,
    ...bounds,
    providersOf: (known) => createSandboxProviders(known, 'com.example.app', { log, metrics }),
    metrics,
  });
  const service = createPushService({
    http: { host: '127.0.0.1', port: 0, bearerTokens: [], maxConnections: 1000, exposeSpec: true, ...http },
    ...(timeouts && { timeouts }),
    providers: providers ?? sandbox.providers,
    alerts: createCredentialAlerts({ log, uptime: () => performance.now() }),
    routes: sandboxRoutes(sandbox),
    log,
    metrics,
    clock: Date.now,
  });
  await sandbox.resource.start();
  await service.resource.start();
  const url = service.address();
  let stopped: Promise<void> | undefined;

  return {
    url,
    lines,
    sandbox,
    server: service.server,
    /** May be called more than once. */
    stop: (): Promise<void> => (stopped ??= service.resource.drain().then(sandbox.resource.stop)),
    metricsText: () => registry.registry.metrics(),
    push: (token: string, body: unknown, version = 'v3') =>
      fetch(`${url}/${version}/notification/${encodeURIComponent(token)}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    json: async (path: string): Promise<unknown> => (await fetch(url + path)).json(),
  };
};

/** An FCM provider with one connection, whose answers come from `push`. */
export const fcmProvider = (push: Provider['push']): Provider => ({
  name: 'fcm',
  service: 'fcm',
  mode: 'prod',
  tags: [],
  push,
  connections: () => ({ connected: 1, disconnected: 0 }),
});

export const alert = { title: 'juliet@capulet.example', body: 'Wherefore art thou?' };
