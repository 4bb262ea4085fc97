import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startNats } from '@pushmesh/servers';
import { createLog } from '@pushmesh/telemetry';
import { openConnection } from './connection.ts';
import { openLease } from './lease.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'pushmesh-lease-'));
let nats: Awaited<ReturnType<typeof startNats>>;
beforeAll(async () => {
  nats = await startNats({ dataDir, prefer: 'containers' });
});
afterAll(async () => {
  await nats.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const patience = { timeout: 20_000 };
let meshes = 0;
const newPrefix = () => `t${process.pid}-${(meshes += 1)}`;

/** So long that nobody’s next turn comes in time. */
const hourMs = 3_600_000;

const contenders: {
  readonly connection: ReturnType<typeof openConnection>;
  readonly lease: ReturnType<typeof openLease>;
}[] = [];
const contend = (prefix: string, ttlMs: number) => {
  const streams = { prefix, replicas: 1, maxBytes: 10_485_760, maxMessages: 100 };
  const connection = openConnection({ name: 'test', url: nats.url, streams }, createLog('test', 'silent'));
  const events: unknown[] = [];
  const lease = openLease(connection, {
    bucket: `${prefix}_LEASES`,
    key: 'component.x',
    ttlMs,
    replicas: 1,
    onHeld: () => events.push('held'),
    onLost: () => events.push('lost'),
    onFault: (error) => events.push(error),
  });
  const contender = { connection, lease, events };
  contenders.push(contender);
  return contender;
};

afterEach(async () => {
  for (const { connection, lease } of contenders.splice(0)) {
    await lease.release();
    await connection.close();
  }
});

it('is held by one, goes to the next when it is released, and comes back after NATS was away', async () => {
  const prefix = newPrefix();
  const first = contend(prefix, 3_000);
  await expect.poll(() => first.lease.isHeld(), patience).toBe(true);
  const second = contend(prefix, 3_000);
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect([first.events, second.events]).toEqual([['held'], []]);

  await nats.kill();
  await nats.restart();
  const both = [first, second];
  await expect.poll(() => both.map(({ connection }) => connection.missing()), patience).toEqual([undefined, undefined]);
  await expect.poll(() => both.filter(({ lease }) => lease.isHeld()), patience).toHaveLength(1);

  const [holder, next] = first.lease.isHeld() ? [first, second] : [second, first];
  await holder.lease.release();
  await expect.poll(() => next.lease.isHeld(), patience).toBe(true);
});

it.each(['release', 'pass'] as const)('goes to the next at once by a %s, not only at its next turn', async (way) => {
  const prefix = newPrefix();
  const both = [contend(prefix, hourMs), contend(prefix, hourMs)];
  const held = () => both.filter(({ lease }) => lease.isHeld());
  await expect.poll(held, patience).toHaveLength(1);
  const [holder] = held();
  if (way === 'release') await holder?.lease.release();
  else expect(await holder?.lease.pass(() => true)).toBe(true);
  const next = both.filter((each) => each !== holder);
  await expect.poll(held, patience).toEqual(next);
  expect(holder?.events).toEqual(way === 'pass' ? ['held', 'lost'] : ['held']);
  expect(next.map(({ events }) => events)).toEqual([['held']]);
});

it('is not passed on when that is not wanted any more, nor while NATS is away, when nobody could take it', async () => {
  const { connection, lease, events } = contend(newPrefix(), hourMs);
  await expect.poll(() => lease.isHeld(), patience).toBe(true);
  expect(await lease.pass(() => false)).toBe(false);
  await nats.kill();
  try {
    await expect.poll(() => connection.missing(), patience).toMatch(/disconnected/);
    expect(await lease.pass(() => true)).toBe(false);
    expect([lease.isHeld(), events]).toEqual([true, ['held']]);
  } finally {
    await nats.restart();
    await expect.poll(() => connection.missing(), patience).toBeUndefined();
  }
});

it('goes to the next when its holder dies', async () => {
  const prefix = newPrefix();
  const first = contend(prefix, 3_000);
  await expect.poll(() => first.lease.isHeld(), patience).toBe(true);
  const second = contend(prefix, 3_000);
  contenders.splice(0, 1);
  await first.connection.close();
  await expect.poll(() => second.lease.isHeld(), patience).toBe(true);
});
