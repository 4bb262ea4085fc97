import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createBus, isStored } from '@pushmesh/bus';
import type { Bus } from '@pushmesh/bus';
import { messages, subjects } from '@pushmesh/contracts';
import type { Delivery, Message, Result } from '@pushmesh/contracts';
import { startNats } from '@pushmesh/servers';
import { createLog, createMetrics } from '@pushmesh/telemetry';

const dataDir = mkdtempSync(join(tmpdir(), 'pushmesh-explain-'));
const prefix = 'explained';
let nats: Awaited<ReturnType<typeof startNats>>;
let bus: Bus;
beforeAll(async () => {
  nats = await startNats({ dataDir, prefer: 'containers' });
  const options = {
    name: 'test',
    url: nats.url,
    streams: { prefix, replicas: 1, maxBytes: 10_485_760, maxMessages: 10_000 },
    publishTimeoutMs: 5_000,
    commandTimeoutMs: 1_000,
    maxPublishesInFlight: 200,
  };
  bus = createBus(options, createLog('test', 'silent'), createMetrics('test'));
  await bus.ready(30_000);
});
afterAll(async () => {
  await bus.stop();
  await nats.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const publish = async <T>(subject: string, message: Message<T>, value: T): Promise<void> => {
  const msgId = `${subject} ${JSON.stringify(value)}`;
  expect(await bus.publish(subject, message, value, { msgId })).toSatisfy(isStored);
};
const command = (word: string, ...more: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> =>
  new Promise((resolve) => {
    const script = fileURLToPath(new URL('explain.ts', import.meta.url));
    const env = { ...process.env, NATS_URL: 'nats://127.0.0.1:1', NATS_SUBJECT_PREFIX: prefix };
    execFile(process.execPath, [script, word, ...more], { env }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });

const now = Date.now();
const delivery = (id: string, node: string, changes: Partial<Delivery> = {}): Delivery => ({
  v: 1,
  id,
  node: { host: 'push.example.org', node },
  service: 'apns',
  mode: 'prod',
  deviceId: 'the-token',
  options: { device_id: 'the-token' },
  summary: { lastMessageBody: 'the-body' },
  acceptedAt: now,
  expiresAt: now + 3_600_000,
  attempt: 1,
  ...changes,
});
const endOf = ({ id, node, service, mode, acceptedAt }: Delivery, end: Partial<Result>): Result => ({
  v: 1,
  delivery: id,
  node,
  service,
  mode,
  acceptedAt,
  end: 'delivered',
  outcome: 'delivered',
  attempt: 1,
  endedAt: now,
  ...end,
});

it('finds a push wherever it is, by its node and by its delivery', async () => {
  // A node whose name JSON writes in another way.
  const node = 'Bob\'s "phone"';
  const unverified = delivery('in-doubt', node, { acceptedAt: now - 1_000 });
  await publish(subjects.unverifiedPublish, messages.unverifiedPublish, {
    v: 1,
    publisher: 'example.org',
    device: 'x',
    delivery: unverified,
  });
  const waiting = delivery('waits', node, { attempt: 3, spent: 2, notBefore: now + 1_800_000 });
  await publish(subjects.delivery('apns', 'prod'), messages.delivery, waiting);
  const parked = delivery('refused', node, { acceptedAt: now - 2_000 });
  const result = endOf(parked, { end: 'parked', outcome: 'rejected', reason: 'BadDeviceToken' });
  await publish(subjects.parked('apns'), messages.parked, { v: 1, delivery: parked, result });
  await publish(subjects.result('parked'), messages.result, result);
  const another = endOf(delivery('another', 'another node'), {});
  await publish(subjects.result('delivered'), messages.results, [
    another,
    endOf(delivery('a-third', 'a third node'), {}),
  ]);

  const { code, stdout } = await command(node, '--nats', nats.url);
  expect(code).toBe(0);
  expect(stdout.match(/^push \w+[-\w]*/gm)).toEqual(['push refused', 'push in-doubt', 'push waits']);
  expect(stdout).toMatch(/parked at .*"BadDeviceToken"\n {2}put aside as message 1 of EXPLAINED_PUSH_PARKED/);
  expect(stdout).toContain('waits for verification');
  expect(stdout).toContain('waits for attempt 3');
  // Not even the name of the node: it may hold a token.
  expect(stdout).not.toMatch(/the-token|the-body|another|third|Bob/);

  // Recorded in one message with another push.
  const one = await command('a-third', '--nats', nats.url);
  expect(one).toMatchObject({ code: 0, stdout: expect.stringContaining('delivered at') as string });
  expect(one.stdout.match(/^push \w+[-\w]*/gm)).toEqual(['push a-third']);
});

it('says that nothing was found, or why it cannot know', async () => {
  const nothing = await command('nobody', '--nats', nats.url);
  expect(nothing).toMatchObject({ code: 1, stdout: expect.stringContaining('Nothing found.') as string });
  const away = await command('nobody');
  expect(away.code).toBe(1);
  expect(away.stderr).toMatch(/^cannot connect to NATS at nats:\/\/127\.0\.0\.1:1: .*\n$/);
  expect(await command('one', 'two')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^expected one push node or delivery id, got 2\nUsage: /) as string,
  });
});
