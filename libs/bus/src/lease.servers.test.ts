import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startNats } from '@pushmesh/servers';
import { createLog } from '@pushmesh/telemetry';
import { connectNats } from './connect-nats.ts';
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

/** So long that no test gets as far as the next round. */
const hourMs = 3_600_000;

const contenders: {
  readonly link: ReturnType<typeof connectNats>;
  readonly lease: ReturnType<typeof openLease>;
}[] = [];
const contend = (prefix: string, ttlMs: number) => {
  const streams = { prefix, replicas: 1, maxBytes: 10_485_760, maxMessages: 100 };
  const link = connectNats({ name: 'test', url: nats.url, streams }, createLog('test', 'silent'));
  const events: unknown[] = [];
  const lease = openLease(link, {
    bucket: `${prefix}_LEASES`,
    key: 'component.x',
    ttlMs,
    replicas: 1,
    onHeld: () => events.push('held'),
    onLost: () => events.push('lost'),
    onFault: (error) => events.push(error),
  });
  const contender = { link, lease, events };
  contenders.push(contender);
  return contender;
};

afterEach(async () => {
  for (const { link, lease } of contenders.splice(0)) {
    await lease.release();
    await link.close();
  }
});

it('is held by one process, goes to the next when it is released, and survives an outage of NATS', async () => {
  const prefix = newPrefix();
  const first = contend(prefix, 3_000);
  await expect.poll(() => first.lease.isHeld(), patience).toBe(true);
  const second = contend(prefix, 3_000);
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect([first.events, second.events]).toEqual([['held'], []]);

  await nats.kill();
  await nats.restart();
  const both = [first, second];
  await expect.poll(() => both.map(({ link }) => link.missing()), patience).toEqual([undefined, undefined]);
  await expect.poll(() => both.filter(({ lease }) => lease.isHeld()), patience).toHaveLength(1);

  const [holder, next] = first.lease.isHeld() ? [first, second] : [second, first];
  await holder.lease.release();
  await expect.poll(() => next.lease.isHeld(), patience).toBe(true);
});

it.each(['release', 'pass'] as const)(
  'goes to the next at once after a %s, not only in its next round',
  async (way) => {
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
  },
);

it('is not passed on when that is no longer wanted, nor while NATS is down and nobody could take it', async () => {
  const { link, lease, events } = contend(newPrefix(), hourMs);
  await expect.poll(() => lease.isHeld(), patience).toBe(true);
  expect(await lease.pass(() => false)).toBe(false);
  await nats.kill();
  try {
    await expect.poll(() => link.missing(), patience).toMatch(/disconnected/);
    expect(await lease.pass(() => true)).toBe(false);
    expect([lease.isHeld(), events]).toEqual([true, ['held']]);
  } finally {
    await nats.restart();
    await expect.poll(() => link.missing(), patience).toBeUndefined();
  }
});

it('goes to the next when its holder dies', async () => {
  const prefix = newPrefix();
  const first = contend(prefix, 3_000);
  await expect.poll(() => first.lease.isHeld(), patience).toBe(true);
  const second = contend(prefix, 3_000);
  contenders.splice(0, 1);
  await first.link.close();
  await expect.poll(() => second.lease.isHeld(), patience).toBe(true);
});
