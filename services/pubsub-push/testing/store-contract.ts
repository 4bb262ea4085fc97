import { describe, expect, it } from 'vitest';
import type { NodeChanges, PushNode } from '../src/domain/node.ts';
import type { NodeStore, RegistrationStore } from '../src/ports.ts';

type Store = NodeStore & RegistrationStore;

const node: PushNode = {
  host: 'push.localhost',
  node: 'princely/{musings}',
  owner: 'alice@localhost',
  publishModel: 'publishers',
  affiliations: { 'alice@localhost': 'owner', localhost: 'publish-only' },
  version: 1,
  freshAt: 1_000,
};

/** The tests that every implementation of the store must pass. `create` returns an empty store each time. */
export const describeStore = (name: string, create: () => Promise<Store>): void => {
  describe(`${name}: push nodes`, () => {
    it('returns exactly what was created', async () => {
      const store = await create();
      expect(await store.readNode(node.host, node.node)).toBeUndefined();
      expect(await store.createNode(node, undefined)).toBe('done');
      expect(await store.readNode(node.host, node.node)).toEqual(node);
      const secured = { ...node, node: 'secured', secret: 'digest' };
      await store.createNode(secured, undefined);
      expect(await store.readNode(node.host, 'secured')).toEqual(secured);
      expect(await store.readNode('other.localhost', node.node)).toBeUndefined();
    });

    it('creates a node once, however many try at the same time', async () => {
      const store = await create();
      const answers = await Promise.all(Array.from({ length: 20 }, () => store.createNode(node, undefined)));
      expect(answers.filter((answer) => answer === 'done')).toHaveLength(1);
    });

    it('replaces exactly the version that was read', async () => {
      const store = await create();
      await store.createNode(node, undefined);
      const next = { ...node, version: 2, freshAt: 2_000 };
      expect(await store.createNode(next, 7)).toBe('changed');
      expect(await store.createNode(next, 1)).toBe('done');
      expect(await store.readNode(node.host, node.node)).toEqual(next);
    });

    it('changes exactly the given version, increments it, and never changes a retired node', async () => {
      const store = await create();
      await store.createNode(node, undefined);
      const affiliations = { 'alice@localhost': 'owner', ['__proto__']: 'outcast' } as const;
      const changes = { affiliations, publishModel: 'open', secret: 'digest', freshAt: 2_000 } as const;
      const change = (version: number, what: NodeChanges) => store.changeNode(node.host, node.node, version, what);
      expect(await change(1, changes)).toBe('done');
      expect(await change(1, { freshAt: 3_000 })).toBe('changed');
      expect(await store.readNode(node.host, node.node)).toEqual({ ...node, ...changes, version: 2 });
      expect(await change(2, { secret: '' })).toBe('done');
      const { secret: _, ...kept } = changes;
      expect(await store.readNode(node.host, node.node)).toEqual({ ...node, ...kept, version: 3 });
      await store.retireNode(node.host, node.node, 3, 5_000, 60_000);
      expect(await change(3, { freshAt: 3_000 })).toBe('changed');
      expect(await store.changeNode(node.host, 'unknown', 1, { freshAt: 3_000 })).toBe('changed');
      expect(await store.readNode(node.host, 'unknown')).toBeUndefined();
    });

    it('deletes exactly the version that was read', async () => {
      const store = await create();
      await store.createNode(node, undefined);
      expect(await store.deleteNode(node.host, node.node, 2)).toBe('changed');
      expect(await store.deleteNode(node.host, node.node, 1)).toBe('done');
      expect(await store.readNode(node.host, node.node)).toBeUndefined();
      expect(await store.deleteNode(node.host, node.node, 1)).toBe('changed');
    });

    it('retires exactly the given version; renewing undoes that and increments the version', async () => {
      const store = await create();
      await store.createNode(node, undefined);
      expect(await store.retireNode(node.host, node.node, 9, 5_000, 60_000)).toBe('changed');
      expect(await store.retireNode(node.host, node.node, 1, 5_000, 60_000)).toBe('done');
      expect(await store.readNode(node.host, node.node)).toEqual({ ...node, retiredAt: 5_000 });
      expect(await store.renewNode(node.host, node.node, 1, 'device-2')).toBe('done');
      expect(await store.renewNode(node.host, node.node, 1, 'device-3')).toBe('changed');
      expect(await store.readNode(node.host, node.node)).toEqual({ ...node, version: 2, device: 'device-2' });
    });

    it('forgets a retired node after the given time, unless it was renewed', async () => {
      const store = await create();
      await store.createNode(node, undefined);
      await store.retireNode(node.host, node.node, 1, 5_000, 20);
      await expect.poll(() => store.readNode(node.host, node.node), { timeout: 10_000 }).toBeUndefined();
      await store.createNode(node, undefined);
      await store.retireNode(node.host, node.node, 1, 5_000, 200);
      await store.renewNode(node.host, node.node, 1, 'device-2');
      await new Promise((resolve) => setTimeout(resolve, 400));
      expect(await store.readNode(node.host, node.node)).toBeDefined();
    });

    it('keeps an index per owner and host, up to the limit', async () => {
      const store = await create();
      expect(await store.addToIndex('h', 'alice', 'a', 2)).toBe(true);
      expect(await store.addToIndex('h', 'alice', 'b', 2)).toBe(true);
      expect(await store.addToIndex('h', 'alice', 'c', 2)).toBe(false);
      expect(await store.addToIndex('h', 'alice', 'a', 2)).toBe(true);
      expect(await store.addToIndex('h', 'bob', 'c', 2)).toBe(true);
      expect([...(await store.nodesOf('h', 'alice'))].toSorted()).toEqual(['a', 'b']);
      await store.removeFromIndex('h', 'alice', 'a');
      expect(await store.nodesOf('h', 'alice')).toEqual(['b']);
    });
  });

  describe(`${name}: registrations`, () => {
    const registration = (service: string, id: string, options = {}) => ({ service, node: id, options, enabledAt: 1 });
    const namesOf = async (store: Store, user: string) =>
      (await store.registrationsOf(user)).map((each) => `${each.service}/${each.node}`).toSorted();

    it('stores a registration, and replaces that of the same service and node', async () => {
      const store = await create();
      await store.enable('alice', registration('push', 'a', { service: 'fcm', note: '"quoted" ü' }), 10);
      await store.enable('alice', registration('push', 'a', { service: 'apns' }), 10);
      expect(await store.registrationsOf('alice')).toEqual([registration('push', 'a', { service: 'apns' })]);
      expect(await store.registrationsOf('bob')).toEqual([]);
    });

    it('stores no more than the limit, but always replaces', async () => {
      const store = await create();
      expect(await store.enable('alice', registration('push', 'a'), 1)).toBe('done');
      expect(await store.enable('alice', registration('push', 'b'), 1)).toBe('too-many');
      expect(await store.enable('alice', registration('push', 'a'), 1)).toBe('done');
    });

    it('disables one node or all nodes of a service, and nothing of other services or users', async () => {
      const store = await create();
      for (const [service, id] of [
        ['push', 'a'],
        ['push', 'b'],
        ['push', 'c'],
        ['push2', 'a'],
        ['pus', 'h"]'],
      ] as const)
        await store.enable('alice', registration(service, id), 10);
      await store.enable('bob', registration('push', 'a'), 10);
      expect(await store.disable('alice', 'push', 'b')).toBe(1);
      expect(await store.disable('alice', 'push', 'b')).toBe(0);
      expect(await namesOf(store, 'alice')).toEqual(['pus/h"]', 'push/a', 'push/c', 'push2/a']);
      expect(await store.disable('alice', 'push', undefined)).toBe(2);
      expect(await namesOf(store, 'alice')).toEqual(['pus/h"]', 'push2/a']);
      expect(await namesOf(store, 'bob')).toEqual(['push/a']);
      expect(await store.disable('carol', 'push', undefined)).toBe(0);
    });
  });
};
