import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startRedis } from '@pushmesh/servers';
import { createLog } from '@pushmesh/telemetry';
import { connectRedis } from '../adapters/redis/connection.ts';
import type { RedisConnection } from '../adapters/redis/connection.ts';
import { createNodeStore } from '../adapters/redis/node-store.ts';
import { createRegistrationStore } from '../adapters/redis/registration-store.ts';
import type { NodeStore, RegistrationStore } from '../ports.ts';
import { createCommands } from './command.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'pushmesh-commands-'));
let server: Awaited<ReturnType<typeof startRedis>>;
let redis: RedisConnection;
let nodes: NodeStore;
let registrations: RegistrationStore;
beforeAll(async () => {
  server = await startRedis({ dataDir, prefer: 'containers' });
  redis = connectRedis({ url: server.url, timeoutMs: 2_000, log: createLog('test', 'silent') });
  nodes = createNodeStore(redis, 't:');
  registrations = createRegistrationStore(redis, 't:');
  await redis.start();
  await vi.waitUntil(() => redis.missing() === undefined, { timeout: 10_000 });
});
afterAll(async () => {
  await redis.stop();
  await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const settings = {
  PUBLISH_MODEL: 'publishers',
  MAX_NODES_PER_OWNER: 10,
  MAX_REGISTRATIONS_PER_USER: 10,
  trustedDomains: new Set<string>(),
} as const;
/** The commands of one replica; `changes` replaces store functions, so that another replica can act in between. */
const commandsOver = (changes: Partial<NodeStore> = {}) =>
  createCommands({ nodes: { ...nodes, ...changes }, registrations, clock: Date.now }, settings);

/** Runs what another replica does just before the first call of `write`, which then goes ahead. */
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
/** Executes a command on another replica. */
const other: ReturnType<typeof createCommands> = (type, command) => commandsOver()(type, command);
const listed = async (owner: string) => {
  const reply = await other('list-nodes', { ...at, owner });
  return reply.type === 'nodes' ? reply.nodes : reply;
};

it('lists a node even if its owner asked for the list while it was being created', async () => {
  const owner = 'alice@localhost';
  const createNode = before(nodes.createNode, () => listed(owner));
  const created = await commandsOver({ createNode })('create-node', { ...at, node: 'a', owner });
  expect(created).toMatchObject({ type: 'created' });
  expect(await listed(owner)).toEqual(['a']);
});

it('lists a node that was created while another replica removed its name from the index', async () => {
  const owner = 'bob@localhost';
  await nodes.addToIndex(at.host, owner, 'b', 10);
  const removeFromIndex = before(nodes.removeFromIndex, () => other('create-node', { ...at, node: 'b', owner }));
  await commandsOver({ removeFromIndex })('list-nodes', { ...at, owner });
  expect(await listed(owner)).toEqual(['b']);
});

it('lists a node that was deleted and immediately created again', async () => {
  const create = { ...at, node: 'c', owner: 'carol@localhost' };
  await other('create-node', create);
  const removeFromIndex = before(nodes.removeFromIndex, () => other('create-node', create));
  const deleted = await commandsOver({ removeFromIndex })('delete-node', { ...at, node: 'c', requester: create.owner });
  expect(deleted).toMatchObject({ type: 'deleted' });
  expect(await listed(create.owner)).toEqual(['c']);
});

it('loses none of the affiliations that several replicas set at the same time', async () => {
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
