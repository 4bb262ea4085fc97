import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { deliveryDurable, durables, messages, readResults, resultsPerMessage, subjects } from '@pushmesh/contracts';
import type { Delivery, Reply, Result } from '@pushmesh/contracts';
import { startNats } from '@pushmesh/servers';
import { createLog, createMetrics } from '@pushmesh/telemetry';
import { createBus } from './index.ts';
import type { Bus, Settlement } from './index.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'pushmesh-bus-'));
let nats: Awaited<ReturnType<typeof startNats>>;
beforeAll(async () => {
  nats = await startNats({ dataDir, prefer: 'containers' });
});
afterAll(async () => {
  await nats.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const patience = { timeout: 20_000 };
const open: Bus[] = [];
afterEach(async () => {
  for (const bus of open.splice(0)) await bus.stop();
});

let meshes = 0;
/** A separate mesh on the shared NATS: its own prefix and streams. */
const newPrefix = () => `t${process.pid}-${(meshes += 1)}`;
const openBus = async (prefix: string, maxMessages = 10_000) => {
  const metrics = createMetrics('test');
  const bus = createBus(
    {
      name: 'test',
      url: nats.url,
      streams: { prefix, replicas: 1, maxBytes: 10_485_760, maxMessages },
      publishTimeoutMs: 2_000,
      commandTimeoutMs: 1_000,
      maxPublishesInFlight: 200,
    },
    createLog('test', 'silent'),
    metrics,
  );
  open.push(bus);
  await expect.poll(() => bus.missing(), patience).toBeUndefined();
  return { bus, metrics };
};

const delivery = (id: string, more: Partial<Delivery> = {}): Delivery => ({
  v: 1,
  id,
  node: { host: 'h', node: 'n', version: 1 },
  service: 'fcm',
  mode: 'prod',
  deviceId: 't',
  options: {},
  summary: {},
  acceptedAt: 1,
  expiresAt: 2,
  attempt: 1,
  ...more,
});

const endOf = (id: string): Result => ({
  v: 1,
  delivery: id,
  node: { host: 'h', node: 'n', version: 1 },
  service: 'fcm',
  mode: 'prod',
  end: 'delivered',
  outcome: 'delivered',
  attempt: 1,
  acceptedAt: 1,
  endedAt: 2,
});
const subject = subjects.delivery('fcm', 'prod');
const durable = deliveryDurable('fcm', 'prod');
const publish = (bus: Bus, id: string) => bus.publish(subject, messages.delivery, delivery(id), { msgId: id });

describe('publish', () => {
  it('stores a message once, however often it is published', async () => {
    const { bus } = await openBus(newPrefix());
    const ids = Array.from({ length: 100 }, (_, index) => `d${index}`);
    const published = await Promise.all([...ids, ...ids].map((id) => publish(bus, id)));
    expect(published.filter(({ type }) => type === 'stored')).toHaveLength(100);
    expect(published.filter(({ type }) => type === 'duplicate')).toHaveLength(100);
  });

  it('refuses beyond its bound instead of buffering', async () => {
    const { bus } = await openBus(newPrefix());
    const published = await Promise.all(Array.from({ length: 300 }, (_, index) => publish(bus, `d${index}`)));
    expect(published.filter(({ type }) => type === 'full')).toHaveLength(100);
    expect(published.filter(({ type }) => type === 'stored')).toHaveLength(200);
  });

  it('says refused when the stream is full, and keeps every message that was stored', async () => {
    const { bus } = await openBus(newPrefix(), 50);
    const ids = Array.from({ length: 150 }, (_, index) => `d${index}`);
    const published = await Promise.all(ids.map(async (id) => ({ id, ...(await publish(bus, id)) })));
    const accepted = published.filter(({ type }) => type === 'stored').map(({ id }) => id);
    expect(accepted).toHaveLength(50);
    expect(published.filter(({ type }) => type === 'refused')).toHaveLength(100);
    const seen: string[] = [];
    bus.consume({
      durable,
      message: messages.delivery,
      concurrency: 16,
      handle: ({ id }) => (seen.push(id), Promise.resolve({ type: 'ack' })),
    });
    await expect.poll(() => seen.toSorted(), patience).toEqual(accepted.toSorted());
  });
});

describe('consume', () => {
  it('takes no more than its bound at a time, and each message once if it is acknowledged', async () => {
    const { bus } = await openBus(newPrefix());
    const ids = Array.from({ length: 150 }, (_, index) => `d${index}`);
    await Promise.all(ids.map((id) => publish(bus, id)));
    const seen: string[] = [];
    let now = 0;
    let most = 0;
    bus.consume({
      durable,
      message: messages.delivery,
      concurrency: 8,
      handle: async ({ id }) => {
        most = Math.max(most, (now += 1));
        await new Promise((resolve) => setTimeout(resolve, 5));
        now -= 1;
        seen.push(id);
        return { type: 'ack' };
      },
    });
    await expect.poll(() => seen.length, patience).toBe(150);
    expect(new Set(seen).size).toBe(150);
    expect(most).toBeLessThanOrEqual(8);
    expect(most).toBeGreaterThan(1);
  });

  it('redelivers a message after its delay, and after a handler that threw', async () => {
    const { bus } = await openBus(newPrefix());
    await publish(bus, 'd1');
    const answers: (Settlement | Error)[] = [{ type: 'retry', delayMs: 50 }, new TypeError('bug'), { type: 'ack' }];
    const seen: string[] = [];
    bus.consume({
      durable,
      message: messages.delivery,
      concurrency: 4,
      handle: ({ id }) => {
        const answer = answers[seen.push(id) - 1] ?? { type: 'ack' };
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
    });
    await expect.poll(() => seen, patience).toEqual(['d1', 'd1', 'd1']);
  });

  it('waits before it redelivers a message to a handler that threw', async () => {
    const { bus } = await openBus(newPrefix());
    await publish(bus, 'd1');
    let taken = 0;
    bus.consume({
      durable,
      message: messages.delivery,
      concurrency: 4,
      handle: () => ((taken += 1), Promise.reject(new TypeError('bug'))),
    });
    await expect.poll(() => taken, patience).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 500));
    // The first wait is at least one second: without it there would have been thousands by now.
    expect(taken).toBeLessThanOrEqual(2);
  });

  it('stops pulling at limit 0, pulls one at a time at 1, and resumes at a higher limit', async () => {
    const { bus } = await openBus(newPrefix());
    const release: (() => void)[] = [];
    const consumer = bus.consume({
      durable,
      message: messages.delivery,
      concurrency: 8,
      handle: () => new Promise((resolve) => release.push(() => resolve({ type: 'ack' }))),
    });
    consumer.limit(0);
    await Promise.all(Array.from({ length: 20 }, (_, index) => publish(bus, `d${index}`)));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(release).toHaveLength(0);
    consumer.limit(1);
    await expect.poll(() => release.length, patience).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(release).toHaveLength(1);
    consumer.limit(8);
    let done = 0;
    await expect
      .poll(() => {
        for (const each of release.slice(done)) each();
        done = release.length;
        return done;
      }, patience)
      .toBe(20);
  });

  it('knows how many messages wait, and the age of the oldest', async () => {
    const { bus } = await openBus(newPrefix());
    const consumer = bus.consume({
      durable,
      message: messages.delivery,
      concurrency: 2,
      handle: () => new Promise(() => {}),
    });
    consumer.limit(0);
    await expect.poll(() => consumer.backlog(), patience).toEqual({ waiting: 0, oldestMs: 0 });
    await Promise.all([publish(bus, 'a'), publish(bus, 'b'), publish(bus, 'c')]);
    await expect.poll(() => consumer.backlog(), patience).toMatchObject({ waiting: 3 });
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect((await consumer.backlog())?.oldestMs).toBeGreaterThan(50);
  });

  it('counts the age of a delivery that was stored anew from when its push was accepted', async () => {
    const { bus } = await openBus(newPrefix());
    const consumer = bus.consume({
      durable,
      message: messages.delivery,
      concurrency: 2,
      beganAt: ({ acceptedAt }) => acceptedAt,
      handle: () => new Promise(() => {}),
    });
    consumer.limit(0);
    const hourMs = 3_600_000;
    const again = delivery('a', { attempt: 7, acceptedAt: Date.now() - hourMs, expiresAt: Date.now() + hourMs });
    await bus.publish(subject, messages.delivery, again, { msgId: 'a:7' });
    await expect.poll(() => consumer.backlog(), patience).toMatchObject({ waiting: 1 });
    expect((await consumer.backlog())?.oldestMs).toBeGreaterThanOrEqual(hourMs);
  });

  it('keeps a message that it cannot read, and carries on with the others', async () => {
    const { bus, metrics } = await openBus(newPrefix());
    await bus.publish(subject, messages.delivery, { ...delivery('new'), v: 2 } as never, { msgId: 'new' });
    await publish(bus, 'd1');
    const seen: string[] = [];
    bus.consume({
      durable,
      message: messages.delivery,
      concurrency: 2,
      handle: ({ id }) => (seen.push(id), Promise.resolve({ type: 'ack' })),
    });
    await expect.poll(() => seen, patience).toEqual(['d1']);
    await expect.poll(() => metrics.registry.metrics(), patience).toContain('settled="unreadable"');
  });

  it('drains: settles what was taken, and takes nothing new', async () => {
    const { bus } = await openBus(newPrefix());
    await Promise.all(Array.from({ length: 10 }, (_, index) => publish(bus, `d${index}`)));
    let taken = 0;
    let settled = 0;
    bus.consume({
      durable,
      message: messages.delivery,
      concurrency: 3,
      handle: async () => {
        taken += 1;
        await new Promise((resolve) => setTimeout(resolve, 200));
        settled += 1;
        return { type: 'ack' };
      },
    });
    await expect.poll(() => taken, patience).toBeGreaterThan(0);
    await bus.drain();
    const atDrain = taken;
    expect(settled).toBe(atDrain);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(taken).toBe(atDrain);
  });
});

describe('request and reply', () => {
  const ask = (bus: Bus) => bus.request('list-nodes', { v: 1, host: 'h', owner: 'a@b' }, 'tp');
  const nodes: Reply = { v: 1, type: 'nodes', nodes: ['n'] };

  it('says that nobody listens', async () => {
    const { bus } = await openBus(newPrefix());
    expect(await ask(bus)).toEqual({ type: 'no-responders' });
  });

  it('gets its reply from one replica, which gets the trace context', async () => {
    const prefix = newPrefix();
    const [{ bus: a }, { bus: b }, { bus: requester }] = await Promise.all([
      openBus(prefix),
      openBus(prefix),
      openBus(prefix),
    ]);
    const seen: unknown[] = [];
    for (const bus of [a, b])
      bus.respond((type, command, context) => (seen.push([type, command, context]), Promise.resolve(nodes)), 10);
    await expect.poll(() => ask(requester), patience).toEqual(nodes);
    expect(seen).toEqual([['list-nodes', { v: 1, host: 'h', owner: 'a@b' }, { traceparent: 'tp' }]]);
  });

  it('sends the commands of one turn in one message, and gives each its own reply', async () => {
    const prefix = newPrefix();
    const [{ bus }, { bus: requester }] = await Promise.all([openBus(prefix), openBus(prefix)]);
    bus.respond(
      (_type, command) =>
        Promise.resolve({ v: 1, type: 'allowed', version: Number('node' in command && command.node) }),
      1_000,
    );
    const client = await connect({ servers: nats.url });
    let messagesSent = 0;
    client.subscribe(`${prefix}.command.*`, { callback: () => void (messagesSent += 1) });
    await client.flush();
    const authorise = (node: number) =>
      requester.request('authorise-publish', { v: 1, host: 'h', node: String(node), publisher: 'p' }, 'tp');
    await expect.poll(() => authorise(1), patience).toEqual({ v: 1, type: 'allowed', version: 1 });
    await client.flush();
    const before = messagesSent;
    const replies = await Promise.all(Array.from({ length: 70 }, (_each, index) => authorise(index + 1)));
    expect(replies.map((reply) => 'version' in reply && reply.version)).toEqual(
      replies.map((_each, index) => index + 1),
    );
    await client.flush();
    expect(messagesSent - before).toBe(Math.ceil(70 / 32));
    await client.close();
  });

  it('gets unavailable for a bug and beyond the bound, unreadable for what cannot be read, and timeout for silence', async () => {
    const prefix = newPrefix();
    const [{ bus }, { bus: requester }] = await Promise.all([openBus(prefix), openBus(prefix)]);
    let how: 'throw' | 'hang' = 'throw';
    bus.respond(() => (how === 'throw' ? Promise.reject(new TypeError('bug')) : new Promise(() => {})), 1);
    await expect.poll(() => ask(requester), patience).toEqual({ v: 1, type: 'unavailable' });
    expect(await requester.request('list-nodes', { v: 9 } as never, 'tp')).toEqual({
      v: 1,
      type: 'unreadable',
    });
    how = 'hang';
    const [first, second] = await Promise.all([ask(requester), ask(requester)]);
    expect([first, second]).toEqual([{ type: 'timeout' }, { v: 1, type: 'unavailable' }]);
  });
});

it('takes no more commands while it drains and others keep sending, and replies to those it has', async () => {
  const prefix = newPrefix();
  const [{ bus: a }, { bus: b }, { bus: requester }] = await Promise.all([
    openBus(prefix),
    openBus(prefix),
    openBus(prefix),
  ]);
  const nodes: Reply = { v: 1, type: 'nodes', nodes: [] };
  const slowly = () => new Promise<Reply>((resolve) => setTimeout(() => resolve(nodes), 20));
  for (const bus of [a, b]) bus.respond(slowly, 100);
  const ask = () => requester.request('list-nodes', { v: 1, host: 'h', owner: 'a@b' }, 'tp');
  await expect.poll(ask, patience).toEqual(nodes);
  let stop = false;
  const failed: unknown[] = [];
  const sendOn = async (): Promise<void> => {
    while (!stop) {
      const reply = await ask();
      if (reply.type !== 'nodes') failed.push(reply);
    }
  };
  const sending = Promise.all(Array.from({ length: 20 }, sendOn));
  await new Promise((resolve) => setTimeout(resolve, 100));
  await a.drain();
  stop = true;
  await sending;
  expect(failed).toEqual([]);
});

it('updates the durable of an earlier version to the filter of this one', async () => {
  const prefix = newPrefix();
  await openBus(prefix);
  const client = await connect({ servers: nats.url });
  const manager = await jetstreamManager(client);
  const stream = `${prefix.toUpperCase().replaceAll('-', '_')}_PUSH_RESULTS`;
  const { name } = durables.feedback;
  const filter = async () => (await manager.consumers.info(stream, name)).config.filter_subject;
  await manager.consumers.update(stream, name, { filter_subject: `${prefix}.push.result.*` });
  expect(await filter()).toBe(`${prefix}.push.result.*`);
  await openBus(prefix);
  await expect.poll(filter, patience).toBe(`${prefix}.${durables.feedback.filter}`);
  await client.close();
});

it('recreates a stream that was deleted', async () => {
  const prefix = newPrefix();
  const { bus } = await openBus(prefix);
  const client = await connect({ servers: nats.url });
  const manager = await jetstreamManager(client);
  await manager.streams.delete(`${prefix.toUpperCase().replaceAll('-', '_')}_PUSH_DELIVERIES`);
  await expect.poll(async () => (await publish(bus, 'd1')).type, { timeout: 30_000, interval: 250 }).toBe('stored');
  await client.close();
});

describe('when NATS is killed and restarted', () => {
  it('fails what was under way at once, says what is missing, and recovers by itself with every message', async () => {
    const prefix = newPrefix();
    const { bus } = await openBus(prefix);
    const seen = new Set<string>();
    const consumer = bus.consume({
      durable,
      message: messages.delivery,
      concurrency: 4,
      handle: ({ id }) => (seen.add(id), Promise.resolve({ type: 'ack' })),
    });
    consumer.limit(0);
    for (const id of ['a', 'b', 'c']) expect((await publish(bus, id)).type).toBe('stored');
    await nats.kill();
    await expect.poll(() => bus.missing(), patience).toContain('disconnected');
    expect((await publish(bus, 'd')).type).toBe('disconnected');
    expect(await bus.request('list-nodes', { v: 1, host: 'h', owner: 'a@b' }, 'tp')).toEqual({ type: 'disconnected' });
    await nats.restart();
    await expect.poll(() => bus.missing(), patience).toBeUndefined();
    expect((await publish(bus, 'e')).type).toBe('stored');
    consumer.limit(4);
    await expect.poll(() => [...seen].toSorted(), patience).toEqual(['a', 'b', 'c', 'e']);
  });
});

it('publishes the values of one turn in one message, up to the bound, and reports each as stored', async () => {
  const prefix = newPrefix();
  const { bus } = await openBus(prefix);
  const subjectOfEnds = subjects.result('delivered');
  const record = bus.batchPublisher(subjectOfEnds, messages.results, resultsPerMessage);
  const ends = Array.from({ length: 70 }, (_each, index) => endOf(`d${index}`));
  const client = await connect({ servers: nats.url });
  const stored: { readonly headers: boolean; readonly ends: readonly Result[] }[] = [];
  client.subscribe(`${prefix}.${subjectOfEnds}`, {
    callback: (_error, { data, headers }) => {
      const read = readResults(data);
      stored.push({ headers: headers !== undefined, ends: read.ok ? read.value : [] });
    },
  });
  await client.flush();
  expect(new Set((await Promise.all(ends.map(record))).map(({ type }) => type))).toEqual(new Set(['stored']));
  await client.flush();
  expect(stored.map(({ headers, ends: { length } }) => [headers, length])).toEqual([
    [false, 32],
    [false, 32],
    [false, 6],
  ]);
  expect(stored.flatMap((message) => message.ends)).toEqual(ends);
  await client.close();
});

it('two meshes share one NATS without seeing each other', async () => {
  const [{ bus: a }, { bus: b }] = await Promise.all([openBus(newPrefix()), openBus(newPrefix())]);
  await publish(a, 'd1');
  const seen: string[] = [];
  b.consume({
    durable: durables.feedback,
    message: messages.result,
    concurrency: 1,
    handle: () => Promise.resolve({ type: 'ack' }),
  });
  const consumer = b.consume({
    durable,
    message: messages.delivery,
    concurrency: 1,
    handle: ({ id }) => (seen.push(id), Promise.resolve({ type: 'ack' })),
  });
  await expect.poll(() => consumer.backlog(), patience).toEqual({ waiting: 0, oldestMs: 0 });
  expect(seen).toEqual([]);
});
