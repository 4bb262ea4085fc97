// Replicas share the work. One that joins under load causes no duplicates, one that is killed only what it had in flight.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunningService } from '../../deploy/local/service.ts';
import { startEnvironment } from '../harness/environment.ts';
import type { Environment } from '../harness/environment.ts';
import { readMetric } from '../harness/metrics.ts';
import { component, createNodes } from '../harness/push-nodes.ts';
import { readEnds } from '../harness/results.ts';
import { startXmppServerStub } from '../harness/xmpp-server-stub.ts';
import type { XmppServerStub } from '../harness/xmpp-server-stub.ts';

/** The most pushes that a dispatcher has in flight. */
const concurrency = 8;
const nodes = 20;
const patience = { timeout: 60_000, interval: 250 };

const dataDir = mkdtempSync(join(tmpdir(), 'pushmesh-replicas-'));
/** How often the push API received each message. */
const received = new Map<string, number>();
const pushApi = createServer((request, response) => {
  void text(request).then((body) => {
    const { alert } = JSON.parse(body) as { alert: { body: string } };
    received.set(alert.body, (received.get(alert.body) ?? 0) + 1);
    setTimeout(() => response.writeHead(200, { 'content-type': 'application/json' }).end('null'), 20);
  });
});
let environment: Environment;
let xmppServer: XmppServerStub;
let pushUrl: string;
const startGateway = (): Promise<RunningService> =>
  environment.start('gateway', {
    XMPP_SERVICE: xmppServer.service,
    XMPP_COMPONENTS: component,
    XMPP_COMPONENT_SECRET: 'x',
  });
const startDispatcher = (): Promise<RunningService> =>
  environment.start('dispatcher', { PUSH_API_URL: pushUrl, CONCURRENCY: String(concurrency) });
const startPubsubPush = (): Promise<RunningService> => environment.start('pubsub-push', {});

beforeAll(async () => {
  await new Promise<void>((resolve) => pushApi.listen(0, '127.0.0.1', resolve));
  pushUrl = `http://127.0.0.1:${(pushApi.address() as AddressInfo).port}`;
  environment = await startEnvironment({ dataDir, report: () => {} });
  xmppServer = await startXmppServerStub(component);
});
afterAll(async () => {
  xmppServer?.close();
  await environment?.stop();
  pushApi.closeAllConnections();
  pushApi.close();
  rmSync(dataDir, { recursive: true, force: true });
});

it('every replica works; one that joins repeats nothing, and only what a killed one had in flight is repeated', async () => {
  const [pubsubPushes, dispatchers] = await Promise.all([
    Promise.all([startPubsubPush(), startPubsubPush()]),
    Promise.all([startDispatcher(), startDispatcher(), startDispatcher(), startDispatcher()]),
    startGateway(),
  ]);
  await xmppServer.online;
  await createNodes(environment.natsUrl, nodes);

  let published = 0;
  let accepted = 0;
  let stop = false;
  const caller = async (): Promise<void> => {
    while (!stop) {
      published += 1;
      const node = published % nodes;
      if (await xmppServer.publish(`n${node}`, `d${node}`)) accepted += 1;
    }
  };
  const callers = Array.from({ length: 32 }, caller);
  const repeated = (): number => [...received.values()].reduce((sum, times) => sum + times - 1, 0);
  const acceptMore = async (): Promise<void> => {
    const soFar = accepted;
    await expect.poll(() => accepted, patience).toBeGreaterThan(soFar + 300);
  };

  await acceptMore();
  for (const each of dispatchers)
    expect(await readMetric(each.ops, 'pushmesh_delivery_outcomes_total'), 'by each dispatcher').toBeGreaterThan(0);
  for (const each of pubsubPushes)
    expect(await readMetric(each.ops, 'pushmesh_commands_total'), 'by each pubsub-push').toBeGreaterThan(0);

  const fifth = await startDispatcher();
  await acceptMore();
  await expect.poll(() => readMetric(fifth.ops, 'pushmesh_delivery_outcomes_total'), patience).toBeGreaterThan(0);
  expect(repeated()).toBe(0);

  await dispatchers[0].kill();
  await acceptMore();
  await pubsubPushes[0].kill();
  await acceptMore();
  stop = true;
  await Promise.all(callers);
  expect(accepted).toBe(published);
  await expect.poll(() => received.size, patience).toBe(accepted);
  await expect
    .poll(
      async () => [...(await readEnds(environment.natsUrl)).values()].filter((end) => end === 'delivered').length,
      patience,
    )
    .toBe(accepted);
  expect(repeated()).toBeLessThanOrEqual(concurrency);
});
