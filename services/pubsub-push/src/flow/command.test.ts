import { describe, expect, it } from 'vitest';
import type { Command, Reply, Result } from '@pushmesh/contracts';
import type { NodeStore } from '../ports.ts';
import { createMemoryStore } from '../../testing/memory-store.ts';
import { createCommands } from './command.ts';
import { createFeedback } from './feedback.ts';

const settings = {
  PUBLISH_MODEL: 'publishers',
  MAX_NODES_PER_OWNER: 2,
  MAX_REGISTRATIONS_PER_USER: 2,
  trustedDomains: new Set<string>(),
} as const;
const setUp = (changes: (store: ReturnType<typeof createMemoryStore>) => Partial<NodeStore> = () => ({})) => {
  const store = createMemoryStore();
  let now = 1_000;
  return {
    store,
    at: (ms: number) => (now = ms),
    commands: createCommands(
      { nodes: { ...store, ...changes(store) }, registrations: store, clock: () => now },
      settings,
    ),
  };
};
const at = { v: 1, host: 'push.localhost' } as const;
const alice = 'alice@localhost';
/** A late report that the device was gone at 3,000. */
const gone: Result = {
  v: 1,
  delivery: 'd',
  node: { host: at.host, node: 'n' },
  service: 'apns',
  mode: 'prod',
  end: 'unregistered',
  outcome: 'unregistered',
  attempt: 1,
  acceptedAt: 1_500,
  endedAt: 6_000,
  unregisteredAt: 3_000,
};

describe('commands', () => {
  it('handles a node from creation to deletion', async () => {
    const { commands } = setUp();
    const publish = { ...at, node: 'n', publisher: 'localhost', device: 'd1' };
    expect(await commands('authorise-publish', publish)).toEqual({ v: 1, type: 'not-found' });
    expect(await commands('create-node', { ...at, node: 'n', owner: alice })).toEqual({ v: 1, type: 'created' });
    expect(await commands('create-node', { ...at, node: 'n', owner: alice })).toEqual({ v: 1, type: 'conflict' });
    expect(await commands('list-nodes', { ...at, owner: alice })).toEqual({ v: 1, type: 'nodes', nodes: ['n'] });
    expect(await commands('list-nodes', { ...at, owner: 'bob@localhost' })).toEqual({ v: 1, type: 'nodes', nodes: [] });
    expect(await commands('authorise-publish', publish)).toEqual({ v: 1, type: 'allowed', version: 1_002 });
    expect(await commands('authorise-publish', publish)).toEqual({ v: 1, type: 'allowed', version: 1_002 });
    expect(await commands('delete-node', { ...at, node: 'n', requester: 'bob@localhost' })).toEqual({
      v: 1,
      type: 'forbidden',
    });
    expect(await commands('delete-node', { ...at, node: 'n', requester: alice })).toEqual({ v: 1, type: 'deleted' });
    expect(await commands('delete-node', { ...at, node: 'n', requester: alice })).toEqual({ v: 1, type: 'not-found' });
    expect(await commands('list-nodes', { ...at, owner: alice })).toEqual({ v: 1, type: 'nodes', nodes: [] });
  });

  it('limits the nodes of an account; deleting one makes room', async () => {
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

  it('does not count nodes that have been forgotten', async () => {
    const { store, commands } = setUp();
    for (const name of ['gone-1', 'gone-2']) await store.addToIndex('push.localhost', alice, name, 2);
    expect((await commands('create-node', { ...at, node: 'a', owner: alice })).type).toBe('created');
    expect(await store.nodesOf('push.localhost', alice)).toEqual(['a']);
  });

  it('decides again if the node changed between reading and writing', async () => {
    let lost = 2;
    const { commands } = setUp((store) => ({
      createNode: (node, replaces) => (lost-- > 0 ? Promise.resolve('changed') : store.createNode(node, replaces)),
    }));
    expect((await commands('create-node', { ...at, node: 'n', owner: alice })).type).toBe('created');
  });

  it('does not retire a node for a 410 from before its owner created it again, even if that was a conflict', async () => {
    const lateReportAfter = async (act: (commands: ReturnType<typeof setUp>['commands']) => Promise<Reply>) => {
      const { store, commands, at: time } = setUp();
      await commands('create-node', { ...at, node: 'n', owner: alice });
      const sent = await commands('authorise-publish', { ...at, node: 'n', publisher: 'localhost', device: 'd1' });
      time(5_000);
      const answer = await act(commands);
      const feedback = createFeedback({ nodes: store, retiredKeptMs: 60_000, onFeedback: () => {} });
      const version = sent.type === 'allowed' ? sent.version : 0;
      await feedback({ ...gone, node: { host: at.host, node: 'n', version } });
      return [answer.type, (await store.readNode(at.host, 'n'))?.retiredAt];
    };
    const create = { ...at, node: 'n' };
    const enable = { v: 1, service: at.host, node: 'n', options: {} } as const;
    expect(await lateReportAfter((commands) => commands('create-node', { ...create, owner: alice }))).toEqual([
      'conflict',
      undefined,
    ]);
    expect(await lateReportAfter((commands) => commands('enable', { ...enable, user: alice }))).toEqual([
      'enabled',
      undefined,
    ]);
    expect(
      await lateReportAfter(async (commands) => {
        await commands('delete-node', { ...create, requester: alice });
        return commands('create-node', { ...create, owner: alice });
      }),
    ).toEqual(['created', undefined]);
    // Commands from others prove nothing about the device.
    const bob = 'bob@localhost';
    expect(await lateReportAfter((commands) => commands('create-node', { ...create, owner: bob }))).toEqual([
      'conflict',
      3_000,
    ]);
    expect(await lateReportAfter((commands) => commands('enable', { ...enable, user: bob }))).toEqual([
      'enabled',
      3_000,
    ]);
  });

  it('lets an owner decide who may publish, from the next publish on', async () => {
    const { commands } = setUp();
    const node = { ...at, node: 'n' };
    const owned = { ...node, requester: alice };
    const may = async (publisher: string) =>
      (await commands('authorise-publish', { ...node, publisher, device: 'd' })).type;
    const set = (...affiliations: Command<'set-affiliations'>['affiliations']) =>
      commands('set-affiliations', { ...owned, affiliations });
    await commands('create-node', { ...node, owner: alice });
    expect(await may('muc.localhost')).toBe('forbidden');
    expect(await set({ jid: 'muc.localhost', affiliation: 'publish-only' })).toEqual({ v: 1, type: 'updated' });
    expect(await may('muc.localhost')).toBe('allowed');
    expect(await commands('get-affiliations', owned)).toEqual({
      v: 1,
      type: 'affiliations',
      affiliations: [
        { jid: 'localhost', affiliation: 'publish-only' },
        { jid: alice, affiliation: 'owner' },
        { jid: 'muc.localhost', affiliation: 'publish-only' },
      ],
    });
    await set({ jid: 'muc.localhost', affiliation: 'none' });
    expect(await may('muc.localhost')).toBe('forbidden');
    expect(await set({ jid: alice, affiliation: 'none' })).toEqual({ v: 1, type: 'last-owner', owners: [alice] });

    expect(await commands('set-configuration', { ...owned, publishModel: 'open' })).toEqual({ v: 1, type: 'updated' });
    expect(await commands('get-configuration', owned)).toEqual({ v: 1, type: 'configuration', publishModel: 'open' });
    expect(await may('muc.localhost')).toBe('allowed');
    for (const answer of [
      commands('set-configuration', { ...owned, requester: 'bob@localhost', publishModel: 'open' }),
      commands('set-affiliations', { ...owned, requester: 'bob@localhost', affiliations: [] }),
      commands('get-affiliations', { ...owned, requester: 'localhost' }),
      commands('get-configuration', { ...owned, requester: 'localhost' }),
    ])
      expect(await answer).toEqual({ v: 1, type: 'forbidden' });
    expect((await commands('get-affiliations', { ...owned, node: 'other' })).type).toBe('not-found');
  });

  it('counts a node that was given away against its creator, and lists it to nobody', async () => {
    const { commands } = setUp();
    const bob = 'bob@localhost';
    const create = (node: string) => commands('create-node', { ...at, node, owner: alice });
    await create('a');
    const affiliations = [
      { jid: bob, affiliation: 'owner' },
      { jid: alice, affiliation: 'none' },
    ] as const;
    await commands('set-affiliations', { ...at, node: 'a', requester: alice, affiliations: [...affiliations] });
    expect([(await create('b')).type, (await create('c')).type]).toEqual(['created', 'too-many']);
    expect(await commands('list-nodes', { ...at, owner: alice })).toMatchObject({ nodes: ['b'] });
    expect((await create('a')).type).toBe('conflict');
    expect((await commands('delete-node', { ...at, node: 'a', requester: bob })).type).toBe('deleted');
    expect((await create('c')).type).toBe('created');
  });

  it('replies unavailable if the node changes on every attempt', async () => {
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
