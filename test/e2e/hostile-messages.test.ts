// pubsub-push and the dispatcher as processes, with malformed messages in every stream and on every command: the services
// refuse what they cannot read, count it, and go on with the rest.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { commandMessages, commandSubject, commandTypes, messages, repliesMessage, subjects } from '@pushmesh/contracts';
import type { Delivery } from '@pushmesh/contracts';
import { startEnvironment } from '../harness/environment.ts';
import type { Environment } from '../harness/environment.ts';
import { readMetric } from '../harness/metrics.ts';
import { startPushApiStub } from '../harness/push-api-stub.ts';
import { readEnds } from '../harness/results.ts';

const patience = { timeout: 30_000, interval: 100 };
const exampleFile = (name: string): unknown =>
  (
    JSON.parse(readFileSync(new URL(`../../libs/contracts/examples/${name}-v1.json`, import.meta.url), 'utf8')) as {
      examples: unknown;
    }
  ).examples;
const examples = (name: string) => exampleFile(name) as readonly object[];
const commandExamples = exampleFile('command') as Readonly<Record<string, readonly { command: object }[][]>>;

const dataDir = mkdtempSync(join(tmpdir(), 'pushmesh-hostile-'));
let environment: Environment;
let nats: NatsConnection;
let api: Awaited<ReturnType<typeof startPushApiStub>>;
let services: { readonly name: string; readonly ops: string; ended(): Promise<string | undefined> }[];
beforeAll(async () => {
  environment = await startEnvironment({ dataDir, report: () => {} });
  api = await startPushApiStub(0);
  services = [
    { name: 'pubsub-push', ...(await environment.start('pubsub-push', { LOG_LEVEL: 'fatal' })) },
    { name: 'dispatcher', ...(await environment.start('dispatcher', { PUSH_API_URL: api.url, LOG_LEVEL: 'fatal' })) },
  ];
  nats = await connect({ servers: environment.natsUrl });
});
afterAll(async () => {
  await nats?.close();
  api?.close();
  await environment?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

/** A valid message, corrupted: cut off, of another version, with a field missing or of another type, or not JSON at all. */
const corrupted = (originals: readonly object[]): fc.Arbitrary<Uint8Array> => {
  const original = fc.constantFrom(...originals);
  const text = (value: unknown) => Buffer.from(JSON.stringify(value));
  return fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((json) => Buffer.from(json)),
    fc.tuple(original, fc.double({ min: 0, max: 0.99, noNaN: true })).map(([value, share]) => {
      const whole = text(value);
      return whole.subarray(0, Math.floor(whole.length * share));
    }),
    fc.tuple(original, fc.jsonValue()).map(([value, v]) => text({ ...value, v })),
    fc.tuple(original, fc.nat(), fc.option(fc.jsonValue(), { nil: undefined })).map(([value, at, other]) => {
      const names = Object.keys(value);
      return text({ ...value, [names[at % names.length] ?? 'v']: other });
    }),
  );
};

/** Valid commands, corrupted as a whole or inside a well-formed message. */
const corruptedCommands = (originals: readonly (readonly { command: object }[])[]): fc.Arbitrary<Uint8Array> => {
  const commands = originals.flat().map(({ command }) => command);
  const inside = (data: Uint8Array) => Buffer.from(`[{"traceparent":"","command":${Buffer.from(data).toString()}}]`);
  return fc.oneof(corrupted(originals), corrupted(commands).map(inside));
};

it(
  'malformed messages are refused and counted; no process crashes and no other message is lost',
  { timeout: 120_000 },
  async () => {
    const streamed = [
      [subjects.unverifiedPublish, examples('unverified-publish')],
      [subjects.delivery('fcm', 'prod'), examples('delivery')],
      [subjects.result('unregistered'), examples('result')],
    ] as const;
    const js = jetstream(nats);
    for (const [subject, originals] of streamed)
      await Promise.all(fc.sample(corrupted(originals), 150).map((data) => js.publish(subject, data)));
    for (const type of commandTypes)
      for (const data of fc.sample(corruptedCommands(commandExamples[type] ?? []), 60)) {
        const { data: replies } = await nats.request(commandSubject(type), data, { timeout: 10_000 });
        expect(repliesMessage.decode(replies).ok).toBe(true);
      }

    const now = Date.now();
    const good: Delivery = {
      ...(examples('delivery')[0] as Delivery),
      id: 'good',
      acceptedAt: now,
      expiresAt: now + 60_000,
    };
    await js.publish(subjects.delivery(good.service, good.mode), messages.delivery.encode(good));
    const endOf = async (id: string) => (await readEnds(environment.natsUrl)).get(id);
    await expect.poll(() => endOf('good'), patience).toBe('delivered');
    const command = { v: 1 as const, host: 'push.example', node: 'n', owner: 'alice@example' };
    const data = commandMessages['create-node'].encode([{ traceparent: '', command }]);
    const reply = await nats.request(commandSubject('create-node'), data, { timeout: 10_000 });
    expect(repliesMessage.decode(reply.data)).toMatchObject({ ok: true, value: [{ type: 'created' }] });

    for (const { name, ops, ended: end } of services) {
      expect([name, await end()]).toEqual([name, undefined]);
      await expect
        .poll(() => readMetric(ops, 'pushmesh_nats_received_total', 'settled="unreadable"'), patience)
        .toBeGreaterThan(50);
      expect(await readMetric(ops, 'process_resident_memory_bytes')).toBeLessThan(400_000_000);
    }
  },
);
