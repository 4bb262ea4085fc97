import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startRedis } from '@pushmesh/servers';
import { createLog } from '@pushmesh/telemetry';
import { StoreUnavailable } from '../../ports.ts';
import { describeStore } from '../../../testing/store-contract.ts';
import { createRedisStore } from './store.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'pushmesh-redis-'));
const opened: { stop(): Promise<void> }[] = [];
let redis: Awaited<ReturnType<typeof startRedis>>;
let stores = 0;

beforeAll(async () => {
  redis = await startRedis({ dataDir, prefer: 'containers' });
});
afterAll(async () => {
  for (const each of opened) await each.stop();
  await redis.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const openStore = async () => {
  const created = createRedisStore({
    url: redis.url,
    keyPrefix: `t${(stores += 1)}:`,
    timeoutMs: 2_000,
    log: createLog('test', 'silent'),
  });
  opened.push(created.resource);
  await created.resource.start();
  await expect.poll(() => created.resource.missing(), { timeout: 10_000 }).toBeUndefined();
  return created;
};

describeStore('the Redis store', async () => (await openStore()).store);

it('fails at once while Redis is down, reports that, and still has everything afterwards', async () => {
  const { store, resource } = await openStore();
  await store.enable('alice', { service: 'p', node: 'n', options: {}, enabledAt: 1 }, 10);
  await redis.kill();
  await expect.poll(() => resource.missing(), { timeout: 10_000 }).toBeDefined();
  await expect(store.registrationsOf('alice')).rejects.toBeInstanceOf(StoreUnavailable);
  await redis.restart();
  await expect.poll(() => resource.missing(), { timeout: 20_000 }).toBeUndefined();
  expect(await store.registrationsOf('alice')).toHaveLength(1);
});

it('reports that Redis answers with errors', async () => {
  const { store, resource } = await openStore();
  const admin = new Redis(redis.url);
  await admin.config('SET', 'maxmemory', '1');
  const enable = () => store.enable('bob', { service: 'p', node: 'n', options: {}, enabledAt: 1 }, 10);
  try {
    await expect(enable()).rejects.toBeInstanceOf(StoreUnavailable);
    // Reads still succeed, and do not hide the error.
    expect(await store.registrationsOf('bob')).toEqual([]);
    expect(resource.missing()).toBe('Redis answers OOM');
  } finally {
    await admin.config('SET', 'maxmemory', '0');
    await admin.quit();
  }
  expect(await enable()).toBe('done');
});

it('never shows a password that was refused', async () => {
  const lines: string[] = [];
  const sink = new Writable({ write: (chunk, _encoding, done) => (lines.push(String(chunk)), done()) });
  const { resource } = createRedisStore({
    url: redis.url.replace('redis://', 'redis://bob:top-secret@'),
    keyPrefix: '',
    timeoutMs: 2_000,
    log: createLog('test', 'debug', sink),
  });
  opened.push(resource);
  await resource.start();
  await expect.poll(() => lines.join(''), { timeout: 10_000 }).toContain('WRONGPASS');
  expect(lines.join('')).not.toContain('top-secret');
});
