import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startRedis } from '@pushmesh/servers';
import { createLog } from '@pushmesh/telemetry';
import { createRedisStore } from '../adapters/redis/store.ts';
import type { NodeStore } from '../ports.ts';
import { createCommands } from './command.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'pushmesh-commands-'));
let redis: Awaited<ReturnType<typeof startRedis>>;
let opened: ReturnType<typeof createRedisStore>;
beforeAll(async () => {
  redis = await startRedis({ dataDir, prefer: 'containers' });
  const log = createLog('test', 'silent');
  opened = createRedisStore({ url: redis.url, keyPrefix: 't:', timeoutMs: 2_000, log });
  await opened.resource.start();
  await vi.waitUntil(() => opened.resource.missing() === undefined, { timeout: 10_000 });
});
afterAll(async () => {
  await opened.resource.stop();
  await redis.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const settings = {
  PUBLISH_MODEL: 'publishers',
  MAX_NODES_PER_OWNER: 10,
  MAX_REGISTRATIONS_PER_USER: 10,
  trustedDomains: new Set<string>(),
} as const;
/** Commands of one replica; `changes` is where another one gets in between. */
const commandsOver = (changes: Partial<NodeStore> = {}) =>
  createCommands({ nodes: { ...opened.store, ...changes }, registrations: opened.store, clock: Date.now }, settings);

/** Runs what the other replica does before the first call of `write`, which then goes on. */
const before = <A extends readonly unknown[], R>(write: (...args: A) => Promise<R>, first: () => Promise<unknown>) => {
  let isFirst = true;
  return async (...args: A): Promise<R> => {
    if (isFirst) {
      isFirst = false;
      await first();
    }
    return write(...args);
  };
};

const at = { v: 1, host: 'push.localhost' } as const;
/** What another replica answers. */
const other: ReturnType<typeof createCommands> = (type, command) => commandsOver()(type, command);
const listed = async (owner: string) => {
  const reply = await other('list-nodes', { ...at, owner });
  return reply.type === 'nodes' ? reply.nodes : reply;
};

it('a node is listed, also if its owner asked for the list while it was created', async () => {
  const owner = 'alice@localhost';
  const createNode = before(opened.store.createNode, () => listed(owner));
  const created = await commandsOver({ createNode })('create-node', { ...at, node: 'a', owner });
  expect(created).toMatchObject({ type: 'created' });
  expect(await listed(owner)).toEqual(['a']);
});

it('a node that is created while its list is tidied is listed', async () => {
  const owner = 'bob@localhost';
  await opened.store.addToIndex(at.host, owner, 'b', 10);
  const removeFromIndex = before(opened.store.removeFromIndex, () => other('create-node', { ...at, node: 'b', owner }));
  await commandsOver({ removeFromIndex })('list-nodes', { ...at, owner });
  expect(await listed(owner)).toEqual(['b']);
});

it('a node that is deleted and created again at once is listed', async () => {
  const create = { ...at, node: 'c', owner: 'carol@localhost' };
  await other('create-node', create);
  const removeFromIndex = before(opened.store.removeFromIndex, () => other('create-node', create));
  const deleted = await commandsOver({ removeFromIndex })('delete-node', { ...at, node: 'c', requester: create.owner });
  expect(deleted).toMatchObject({ type: 'deleted' });
  expect(await listed(create.owner)).toEqual(['c']);
});

it('of affiliations that several replicas set at the same time, none is lost', async () => {
  const node = { ...at, node: 'shared', requester: 'dave@localhost' };
  await other('create-node', { ...at, node: 'shared', owner: node.requester });
  const set = (jid: string) => {
    const affiliations = [{ jid, affiliation: 'publish-only' as const }];
    return other('set-affiliations', { ...node, affiliations });
  };
  const jids = ['a.example', 'b.example', 'c.example'];
  expect(await Promise.all(jids.map(set))).toEqual(jids.map(() => ({ v: 1, type: 'updated' })));
  const reply = await other('get-affiliations', node);
  const given = reply.type === 'affiliations' ? reply.affiliations.map(({ jid }) => jid).toSorted() : reply;
  expect(given).toEqual([...jids, 'dave@localhost', 'localhost']);
});
