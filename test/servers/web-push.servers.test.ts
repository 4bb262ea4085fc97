// Web Push from the accepted publish to the app: the dispatcher's lane, the real push-service, and fake push services with
// the apps behind them. NATS is real.
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAcceptPush } from '@pushmesh/acceptance';
import { busOptionsOf, createBus } from '@pushmesh/bus';
import { durables, messages, readResults } from '@pushmesh/contracts';
import type { Mode, Result } from '@pushmesh/contracts';
import { startNats } from '@pushmesh/servers';
import { createLog, createMetrics, newTraceparent, traceIdOf } from '@pushmesh/telemetry';
import { readDispatcherConfig } from '../../services/dispatcher/src/config.ts';
import { openLane } from '../../services/dispatcher/src/lane.ts';
import { createFeedback } from '../../services/pubsub-push/src/flow/feedback.ts';
import { createMemoryStore } from '../../services/pubsub-push/testing/memory-store.ts';
import { parseVapidIdentity } from '../../services/push-service/src/providers/web-push/vapid.ts';
import { createFakeAuthority, startFakeWebPush } from '@pushmesh/fakes';
import type { WebPushDelivery } from '@pushmesh/fakes';
import { createPushService } from '../../services/push-service/src/api/server.ts';
import { createCredentialAlerts } from '../../services/push-service/src/credentials/alerts.ts';
import { createWebPushPool } from '../../services/push-service/src/providers/web-push/pool.ts';
import { toWebPushSettings } from '../../services/push-service/src/providers/web-push/settings.ts';
import { dispatcherMetrics } from '../../services/dispatcher/src/metrics.ts';
import { pushServiceMetrics } from '../../services/push-service/src/metrics.ts';

const patience = { timeout: 45_000, interval: 20 };
const dataDir = mkdtempSync(join(tmpdir(), 'pushmesh-web-push-'));
const lines: string[] = [];
const log = createLog('test', 'debug', { write: (line: string) => void lines.push(line) });
const traceparent = newTraceparent();
const authority = createFakeAuthority();
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
const parsed = parseVapidIdentity(key.toString(), 'mailto:push@example.org');
if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
const { identity } = parsed;

const stops: (() => unknown)[] = [];
afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const results: Result[] = [];
const delivered: WebPushDelivery[] = [];
const nodes = createMemoryStore();
const dispatcherRegistry = createMetrics('dispatcher');
let bus: ReturnType<typeof createBus>;
let fake: Awaited<ReturnType<typeof startFakeWebPush>>;

const startFake = async () => {
  const started = await startFakeWebPush({
    certificate: authority.issue('fake push service'),
    onDelivered: (each) => delivered.push(each),
  });
  stops.push(started.stop);
  return started;
};

beforeAll(async () => {
  const nats = await startNats({ dataDir, prefer: 'containers' });
  stops.push(() => nats.stop());
  fake = await startFake();

  // In mode dev, endpoints on private addresses are refused, as in production.
  const pushMetrics = createMetrics('push-service').add(pushServiceMetrics);
  const webPush = (allowPrivate: boolean) => {
    const options = { timeoutMs: 1_000, clock: Date.now, ca: authority.ca };
    const pool = createWebPushPool(toWebPushSettings(identity, allowPrivate), options, {
      log,
      metrics: pushMetrics,
    });
    stops.push(() => pool.close(0));
    return pool.providers;
  };
  const providers = [
    ...webPush(true).filter(({ mode }) => mode === 'prod'),
    ...webPush(false).filter(({ mode }) => mode === 'dev'),
  ];
  const pushService = createPushService({
    http: { host: '127.0.0.1', port: 0, bearerTokens: [], maxConnections: 100, exposeSpec: false },
    providers,
    alerts: createCredentialAlerts({ log, uptime: () => performance.now() }),
    log,
    metrics: pushMetrics,
    clock: Date.now,
  });
  await pushService.resource.start();
  stops.push(pushService.resource.drain);

  const config = readDispatcherConfig({
    NATS_URL: nats.url,
    PUSH_API_URL: pushService.address(),
    RETRY_BASE_MS: '50',
    RETRY_CAP_MS: '200',
    // If the circuit opened, nothing more would be delivered and the test would fail.
    BREAKER_VOLUME: '5',
    BREAKER_RESET_MS: '600000',
  });
  bus = createBus(busOptionsOf('test', config), log, dispatcherRegistry);
  while (bus.missing() !== undefined) await sleep(20);
  const metrics = dispatcherRegistry.add(dispatcherMetrics);
  const lanes = (['prod', 'dev'] as const).map((mode) => openLane('webpush', mode, { bus, config, log, metrics }));
  const feedback = createFeedback({ nodes, retiredKeptMs: 60_000, onFeedback: () => {} });
  bus.consume({
    durable: durables.feedback,
    message: messages.result,
    concurrency: 4,
    handle: feedback,
  });
  // Most results are only recorded, and no service consumes them.
  const listener = await connect({ servers: nats.url });
  listener.subscribe('push.result.*', {
    callback: (_error, { data }) => {
      const decoded = readResults(data);
      if (decoded.ok) results.push(...decoded.value);
    },
  });
  await listener.flush();
  stops.push(async () => {
    await listener.close();
    await bus.drain();
    await Promise.all(lanes.map((lane) => lane.close()));
    await bus.stop();
  });
});

/** A publish as the gateway accepts it, to a new node of this name that stands for the device. */
const publish = async (deviceId: string, node: string, mode: Mode = 'prod'): Promise<void> => {
  await nodes.createNode(
    { host: 'push', node, owner: 'a@b', publishModel: 'open', affiliations: {}, version: 1, freshAt: 0, device: 'd' },
    undefined,
  );
  const acceptPush = createAcceptPush({
    bus: {
      request: () => Promise.resolve({ v: 1, type: 'allowed', version: 1 }),
      publish: bus.publish,
    },
    clock: Date.now,
    defaultTtlMs: 600_000,
    maxPayloadBytes: 60_000,
    onUnverified: () => expect.unreachable(),
  });
  const push = {
    host: 'push',
    node,
    publisher: 'example.org',
    sender: 'example.org',
    requestId: node,
    payload: { summary: { lastMessageSender: 'bob@example.org', lastMessageBody: 'Hello' }, otherBytes: 0 },
    options: { service: 'webpush', device_id: deviceId, mode, click_action: 'open_chat' },
  };
  expect(await acceptPush(push, traceparent)).toEqual({ type: 'accepted' });
};
const endOf = (node: string) => results.find((each) => each.node.node === node);
const ended = async (node: string, end: Result['end']): Promise<void> => {
  await expect.poll(() => endOf(node)?.end, patience).toBe(end);
};

describe('a publish with the option service=webpush', () => {
  it('becomes a message that only the app can read', async () => {
    await publish(fake.subscribe('phone', identity.publicKey), 'reads');
    await ended('reads', 'delivered');
    const message = delivered.find(({ device }) => device === 'phone');
    expect(JSON.parse(message?.text ?? '')).toEqual({
      alert: {
        title: 'bob@example.org',
        body: 'Hello',
        tag: 'bob@example.org',
        badge: 1,
        click_action: 'open_chat',
      },
    });
  });

  it('retires the node if the subscription is gone', async () => {
    await publish(fake.subscribe('unregistered.phone'), 'gone');
    await ended('gone', 'unregistered');
    await expect.poll(async () => (await nodes.readNode('push', 'gone'))?.retiredAt, patience).toBeGreaterThan(0);
    expect((await nodes.readNode('push', 'reads'))?.retiredAt).toBeUndefined();
  });

  it('can be followed through the logs by its trace id', async () => {
    await publish(fake.subscribe('unregistered.followed'), 'followed');
    await ended('followed', 'unregistered');
    const traces = (event: string) =>
      lines
        .map((line) => JSON.parse(line))
        .filter((line) => line.event === event)
        .map(({ traceId }) => traceId);
    for (const event of ['deliver', 'push', 'attempt', 'ended'])
      expect(new Set(traces(event))).toEqual(new Set([traceIdOf(traceparent)]));
  });

  it('is parked if the endpoint is in the private network', async () => {
    const before = fake.requests();
    await publish(fake.subscribe('inside').replace('localhost', '127.0.0.1'), 'inside', 'dev');
    await ended('inside', 'parked');
    expect(endOf('inside')).toMatchObject({ outcome: 'rejected', attempt: 1 });
    expect(fake.requests()).toBe(before);
    expect((await nodes.readNode('push', 'inside'))?.retiredAt).toBeUndefined();
  });

  it('is parked if the endpoint redirects: redirects are not followed', async () => {
    const [from, to] = [await startFake(), await startFake()];
    from.playFault({ answer: 'status', status: 307, headers: { location: `${to.origin}/push/phone` } });
    await publish(from.subscribe('phone'), 'redirected');
    await ended('redirected', 'parked');
    expect(endOf('redirected')).toMatchObject({ outcome: 'rejected', attempt: 1 });
    expect(to.requests()).toBe(0);
  });

  it("is delivered while other push services' servers are silent, gone or answering 503", async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => void sockets.push(socket.on('error', () => socket.destroy())));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    stops.push(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    const out = await startFake();
    out.playFault({ answer: 'status', status: 503 });
    const dead = [`https://localhost:${(silent.address() as AddressInfo).port}`, 'https://localhost:1', out.origin];
    const subscription = fake.subscribe('lucky');
    for (let n = 0; n < 150; n += 1) {
      const origin = dead[n % dead.length] ?? '';
      await publish(subscription.replace(fake.origin, origin), `dead-${n}`);
    }
    for (let n = 0; n < 50; n += 1) await publish(subscription, `lucky-${n}`);
    await expect
      .poll(
        () => results.filter(({ node, end }) => node.node.startsWith('lucky') && end === 'delivered').length,
        patience,
      )
      .toBe(50);
    expect(results.filter(({ node }) => node.node.startsWith('dead'))).toEqual([]);
    expect(await dispatcherRegistry.registry.metrics()).toMatch(
      /pushmesh_circuit_state\{[^}]*"webpush"[^}]*"prod"[^}]*\} 0/,
    );
    // After an origin's circuit has opened, only the pushes that were already in flight still reach it.
    expect(out.requests()).toBeLessThanOrEqual(50);
    expect(sockets.length).toBeLessThanOrEqual(50);
  });
});
