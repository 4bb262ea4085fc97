import { expect, it } from 'vitest';
import { decideCreate } from './create.ts';
import type { PushNode } from './node.ts';

const facts = {
  host: 'h',
  node: 'n',
  owner: 'alice@localhost',
  defaultPublishModel: 'publishers',
  now: 5_000,
} as const;
const created = decideCreate(undefined, facts);
if (created.type !== 'create') throw new Error('not created');
const node: PushNode = created.node;

it("makes the creator the owner, and lets the creator's server publish", () => {
  expect(created).toMatchObject({
    replaces: undefined,
    node: { version: 5_000, freshAt: 5_000, affiliations: { 'alice@localhost': 'owner', localhost: 'publish-only' } },
  });
});

it('is a conflict while the node exists; from an owner it also shows that the device is alive', () => {
  expect(decideCreate(node, { ...facts, owner: 'bob@localhost' })).toEqual({ type: 'conflict' });
  expect(decideCreate(node, facts)).toEqual({ type: 'freshen', version: 5_000 });
});

it('revives a retired node as its next version, for its owner only', () => {
  const retired = { ...node, version: 9_000, retiredAt: 6_000 };
  expect(decideCreate(retired, { ...facts, now: 7_000 })).toMatchObject({
    replaces: 9_000,
    node: { version: 9_001, freshAt: 7_000 },
  });
  expect(decideCreate(retired, { ...facts, owner: 'bob@localhost' })).toEqual({ type: 'conflict' });
});

it('revives a node with its old owners and settings, except for what the create changes', () => {
  const affiliations = { ...node.affiliations, 'bob@h2': 'owner', h2: 'publish-only', 'eve@h': 'outcast' } as const;
  const retired: PushNode = {
    ...node,
    affiliations,
    publishModel: 'open',
    secret: 's1',
    device: 'd1',
    retiredAt: 6_000,
  };
  const again = (more: object) => {
    const decision = decideCreate(retired, { ...facts, owner: 'bob@h2', now: 7_000, ...more });
    return decision.type === 'create' ? decision.node : decision;
  };
  const kept = { host: 'h', node: 'n', owner: 'alice@localhost', affiliations, version: 7_000, freshAt: 7_000 };
  expect(again({})).toEqual({ ...kept, publishModel: 'open', secret: 's1' });
  expect(again({ publishModel: 'publishers', secret: 's2' })).toEqual({
    ...kept,
    publishModel: 'publishers',
    secret: 's2',
  });
  expect(again({ secret: '' })).toEqual({ ...kept, publishModel: 'open' });
});
