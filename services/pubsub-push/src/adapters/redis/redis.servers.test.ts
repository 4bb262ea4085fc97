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
import { connectRedis } from './connection.ts';
import type { RedisConnection } from './connection.ts';
import { createNodeStore } from './node-store.ts';
import { createRegistrationStore } from './registration-store.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'pushmesh-redis-'));
const opened: RedisConnection[] = [];
let server: Awaited<ReturnType<typeof startRedis>>;
let stores = 0;

beforeAll(async () => {
  server = await startRedis({ dataDir, prefer: 'containers' });
});
afterAll(async () => {
  for (const each of opened) await each.stop();
  await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const openStore = async () => {
  const redis = connectRedis({ url: server.url, timeoutMs: 2_000, log: createLog('test', 'silent') });
  opened.push(redis);
  await redis.start();
  await expect.poll(() => redis.missing(), { timeout: 10_000 }).toBeUndefined();
  const keyPrefix = `t${(stores += 1)}:`;
  return { redis, store: { ...createNodeStore(redis, keyPrefix), ...createRegistrationStore(redis, keyPrefix) } };
};

describeStore('the Redis stores', async () => (await openStore()).store);

it('fails at once while Redis is down, reports that, and still has everything afterwards', async () => {
  const { store, redis } = await openStore();
  await store.enable('alice', { service: 'p', node: 'n', options: {}, enabledAt: 1 }, 10);
  await server.kill();
  await expect.poll(() => redis.missing(), { timeout: 10_000 }).toBeDefined();
  await expect(store.registrationsOf('alice')).rejects.toBeInstanceOf(StoreUnavailable);
  await server.restart();
  await expect.poll(() => redis.missing(), { timeout: 20_000 }).toBeUndefined();
  expect(await store.registrationsOf('alice')).toHaveLength(1);
});

it('reports that Redis answers with errors', async () => {
  const { store, redis } = await openStore();
  const admin = new Redis(server.url);
  await admin.config('SET', 'maxmemory', '1');
  const enable = () => store.enable('bob', { service: 'p', node: 'n', options: {}, enabledAt: 1 }, 10);
  try {
    await expect(enable()).rejects.toBeInstanceOf(StoreUnavailable);
    // Reads still succeed, and do not hide the error.
    expect(await store.registrationsOf('bob')).toEqual([]);
    expect(redis.missing()).toBe('Redis answers OOM');
  } finally {
    await admin.config('SET', 'maxmemory', '0');
    await admin.quit();
  }
  expect(await enable()).toBe('done');
});

it('never shows a password that was refused', async () => {
  const lines: string[] = [];
  const sink = new Writable({ write: (chunk, _encoding, done) => (lines.push(String(chunk)), done()) });
  const redis = connectRedis({
    url: server.url.replace('redis://', 'redis://bob:top-secret@'),
    timeoutMs: 2_000,
    log: createLog('test', 'debug', sink),
  });
  opened.push(redis);
  await redis.start();
  await expect.poll(() => lines.join(''), { timeout: 10_000 }).toContain('WRONGPASS');
  expect(lines.join('')).not.toContain('top-secret');
});
