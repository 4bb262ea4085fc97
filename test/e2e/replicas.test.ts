// Several replicas share the work, and whoever comes or dies under load repeats no more than what the dead one had.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunningService } from '../../deploy/local/service.ts';
import { component, createNodes } from '../bench/gateway.ts';
import { openStage } from '../harness/environment.ts';
import type { Stage } from '../harness/environment.ts';
import { startXmppPeer } from '../harness/xmpp-server-stub.ts';
import type { XmppPeer } from '../harness/xmpp-server-stub.ts';
import { readEnds } from '../harness/results.ts';

/** What a dispatcher has under way at a time, at the most. */
const concurrency = 8;
const nodes = 20;
const patience = { timeout: 60_000, interval: 250 };

const dataDir = mkdtempSync(join(tmpdir(), 'pushmesh-replicas-'));
/** How often the phones got each message. */
const got = new Map<string, number>();
const pushApi = createServer((request, response) => {
  void text(request).then((body) => {
    const { alert } = JSON.parse(body) as { alert: { body: string } };
    got.set(alert.body, (got.get(alert.body) ?? 0) + 1);
    setTimeout(() => response.writeHead(200, { 'content-type': 'application/json' }).end('null'), 20);
  });
});
let stage: Stage;
let peer: XmppPeer;
let pushUrl: string;
const gateway = (): Promise<RunningService> =>
  stage.start('gateway', { XMPP_SERVICE: peer.service, XMPP_COMPONENTS: component, XMPP_COMPONENT_SECRET: 'x' });
const dispatcher = (): Promise<RunningService> =>
  stage.start('dispatcher', { PUSH_API_URL: pushUrl, CONCURRENCY: String(concurrency) });
const pubsubPush = (): Promise<RunningService> => stage.start('pubsub-push', {});

beforeAll(async () => {
  await new Promise<void>((resolve) => pushApi.listen(0, '127.0.0.1', resolve));
  pushUrl = `http://127.0.0.1:${(pushApi.address() as AddressInfo).port}`;
  stage = await openStage({ dataDir, scale: 1, report: () => {} });
  peer = await startXmppPeer(component);
});
afterAll(async () => {
  peer?.close();
  await stage?.close();
  pushApi.closeAllConnections();
  pushApi.close();
  rmSync(dataDir, { recursive: true, force: true });
});

/** The sum of one metric of a process. */
const count = async ({ ops }: RunningService, name: string): Promise<number> => {
  const lines = (await (await fetch(`${ops}/metrics`)).text()).split('\n');
  return lines
    .filter((line) => line.startsWith(`${name}{`))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
};

it('each does a part; one that joins repeats nothing, one that is killed no more than it had in flight', async () => {
  const [answerers, senders] = await Promise.all([
    Promise.all([pubsubPush(), pubsubPush()]),
    Promise.all([dispatcher(), dispatcher(), dispatcher(), dispatcher()]),
    gateway(),
  ]);
  await peer.online;
  await createNodes(stage, nodes);

  let published = 0;
  let accepted = 0;
  let stop = false;
  const caller = async (): Promise<void> => {
    while (!stop) {
      published += 1;
      const node = published % nodes;
      if (await peer.publish(`n${node}`, `d${node}`)) accepted += 1;
    }
  };
  const callers = Array.from({ length: 32 }, caller);
  const repeated = (): number => [...got.values()].reduce((sum, times) => sum + times - 1, 0);
  const goOn = async (): Promise<void> => {
    const soFar = accepted;
    await expect.poll(() => accepted, patience).toBeGreaterThan(soFar + 300);
  };

  await goOn();
  for (const each of senders)
    expect(await count(each, 'pushmesh_delivery_outcomes_total'), 'by each dispatcher').toBeGreaterThan(0);
  for (const each of answerers)
    expect(await count(each, 'pushmesh_commands_total'), 'by each pubsub-push').toBeGreaterThan(0);

  const fifth = await dispatcher();
  await goOn();
  await expect.poll(() => count(fifth, 'pushmesh_delivery_outcomes_total'), patience).toBeGreaterThan(0);
  expect(repeated()).toBe(0);

  await senders[0].kill();
  await goOn();
  await answerers[0].kill();
  await goOn();
  stop = true;
  await Promise.all(callers);
  expect(accepted).toBe(published);
  await expect.poll(() => got.size, patience).toBe(accepted);
  await expect
    .poll(
      async () => [...(await readEnds(stage.natsUrl)).values()].filter((end) => end === 'delivered').length,
      patience,
    )
    .toBe(accepted);
  expect(repeated()).toBeLessThanOrEqual(concurrency);
});
