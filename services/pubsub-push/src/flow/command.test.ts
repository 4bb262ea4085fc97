import { describe, expect, it } from 'vitest';
import type { NodeStore } from '../ports.ts';
import { createMemoryStore } from '../testing/memory-store.ts';
import { createCommands } from './command.ts';

const settings = {
  PUBLISH_MODEL: 'publishers',
  MAX_NODES_PER_OWNER: 2,
  MAX_REGISTRATIONS_PER_USER: 2,
  trustedDomains: new Set<string>(),
} as const;
const setUp = (changes: (store: ReturnType<typeof createMemoryStore>) => Partial<NodeStore> = () => ({})) => {
  const store = createMemoryStore();
  return {
    store,
    commands: createCommands(
      { nodes: { ...store, ...changes(store) }, registrations: store, clock: () => 1_000 },
      settings,
    ),
  };
};
const at = { v: 1, host: 'push.localhost' } as const;
const alice = 'alice@localhost';

describe('commands', () => {
  it('a node lives from create to delete', async () => {
    const { commands } = setUp();
    const publish = { ...at, node: 'n', publisher: 'localhost', device: 'd1' };
    expect(await commands('authorise-publish', publish)).toEqual({ v: 1, type: 'not-found' });
    expect(await commands('create-node', { ...at, node: 'n', owner: alice })).toEqual({ v: 1, type: 'created' });
    expect(await commands('create-node', { ...at, node: 'n', owner: alice })).toEqual({ v: 1, type: 'conflict' });
    expect(await commands('list-nodes', { ...at, owner: alice })).toEqual({ v: 1, type: 'nodes', nodes: ['n'] });
    expect(await commands('list-nodes', { ...at, owner: 'bob@localhost' })).toEqual({ v: 1, type: 'nodes', nodes: [] });
    expect(await commands('authorise-publish', publish)).toEqual({ v: 1, type: 'allowed', version: 1_001 });
    expect(await commands('authorise-publish', publish)).toEqual({ v: 1, type: 'allowed', version: 1_001 });
    expect(await commands('delete-node', { ...at, node: 'n', requester: 'bob@localhost' })).toEqual({
      v: 1,
      type: 'forbidden',
    });
    expect(await commands('delete-node', { ...at, node: 'n', requester: alice })).toEqual({ v: 1, type: 'deleted' });
    expect(await commands('delete-node', { ...at, node: 'n', requester: alice })).toEqual({ v: 1, type: 'not-found' });
    expect(await commands('list-nodes', { ...at, owner: alice })).toEqual({ v: 1, type: 'nodes', nodes: [] });
  });

  it('an account has no more nodes than it may, and gets room by deleting', async () => {
    const { commands } = setUp();
    const create = (node: string) => commands('create-node', { ...at, node, owner: alice });
    expect([(await create('a')).type, (await create('b')).type, (await create('c')).type]).toEqual([
      'created',
      'created',
      'too-many',
    ]);
    await commands('delete-node', { ...at, node: 'a', requester: alice });
    expect((await create('c')).type).toBe('created');
  });

  it('nodes that were forgotten do not count', async () => {
    const { store, commands } = setUp();
    for (const name of ['gone-1', 'gone-2']) await store.addToIndex('push.localhost', alice, name, 2);
    expect((await commands('create-node', { ...at, node: 'a', owner: alice })).type).toBe('created');
    expect(await store.nodesOf('push.localhost', alice)).toEqual(['a']);
  });

  it('decides anew when the node changed between reading and writing', async () => {
    let lost = 2;
    const { commands } = setUp((store) => ({
      createNode: (node, replaces) => (lost-- > 0 ? Promise.resolve('changed') : store.createNode(node, replaces)),
    }));
    expect((await commands('create-node', { ...at, node: 'n', owner: alice })).type).toBe('created');
  });

  it('gives up as unavailable when it never gets through', async () => {
    const { commands } = setUp(() => ({ createNode: () => Promise.resolve('changed') }));
    expect((await commands('create-node', { ...at, node: 'n', owner: alice })).type).toBe('unavailable');
  });

  it('enables and disables', async () => {
    const { store, commands } = setUp();
    const enable = (node: string) =>
      commands('enable', { v: 1, user: alice, service: 'p', node, options: { service: 'fcm' } });
    expect([(await enable('a')).type, (await enable('b')).type, (await enable('c')).type]).toEqual([
      'enabled',
      'enabled',
      'too-many',
    ]);
    expect(await store.registrationsOf(alice)).toMatchObject([{ node: 'a', enabledAt: 1_000 }, { node: 'b' }]);
    expect(await commands('disable', { v: 1, user: alice, service: 'p' })).toEqual({
      v: 1,
      type: 'disabled',
      removed: 2,
    });
  });
});
