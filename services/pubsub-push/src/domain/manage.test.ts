import { describe, expect, it } from 'vitest';
import { decideCreate, decideDelete, decideAuthorisation } from './manage.ts';
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
const none = new Set<string>();

describe('create', () => {
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
});

it('lets only an owner delete a node', () => {
  expect(decideDelete(undefined, 'alice@localhost')).toEqual({ type: 'not-found' });
  expect(decideDelete(node, 'alice@localhost')).toEqual({ type: 'delete', version: 5_000 });
  for (const other of ['bob@localhost', 'localhost', 'constructor', '__proto__'])
    expect(decideDelete(node, other)).toEqual({ type: 'forbidden' });
});

describe('publish', () => {
  const live = { ...node, device: 'd1', version: 2 };
  const retired = { ...live, retiredAt: 9_000 };
  it.each([
    ['an unknown node', undefined, 'localhost', 'd1', { type: 'not-found' }],
    ["the owner's server", live, 'localhost', 'd1', { type: 'allowed', version: 2 }],
    ['the owner', live, 'alice@localhost', 'd1', { type: 'allowed', version: 2 }],
    ['another user of that server', live, 'bob@localhost', 'd1', { type: 'forbidden' }],
    ['another server', live, 'evil.example', 'd1', { type: 'forbidden' }],
    ['a name that is special in JavaScript', live, 'constructor', 'd1', { type: 'forbidden' }],
    ['another device', live, 'localhost', 'd2', { type: 'renew', version: 2, device: 'd2' }],
    ['another device, from an unauthorised publisher', live, 'evil.example', 'd2', { type: 'forbidden' }],
    ['no valid device', live, 'localhost', undefined, { type: 'allowed', version: 2 }],
    ['a retired node', retired, 'localhost', 'd1', { type: 'not-found' }],
    ['a retired node, another device', retired, 'localhost', 'd2', { type: 'renew', version: 2, device: 'd2' }],
    [
      'a retired node, another device, from an unauthorised publisher',
      retired,
      'evil.example',
      'd2',
      { type: 'not-found' },
    ],
    ['a retired node, no valid device', retired, 'localhost', undefined, { type: 'not-found' }],
  ] as const)('%s', (_what, found, publisher, device, decision) => {
    expect(decideAuthorisation(found, { publisher, device }, none)).toEqual(decision);
  });
  it('trusts the server of a trusted domain, not its users', () => {
    const trusted = new Set(['trusted.example']);
    expect(decideAuthorisation(live, { publisher: 'mallory@trusted.example', device: 'd1' }, trusted)).toEqual({
      type: 'forbidden',
    });
  });
  it('lets everybody publish to an open node, and a trusted domain to every node', () => {
    expect(
      decideAuthorisation({ ...live, publishModel: 'open' }, { publisher: 'evil.example', device: 'd1' }, none),
    ).toMatchObject({
      type: 'allowed',
    });
    expect(
      decideAuthorisation(live, { publisher: 'trusted.example', device: 'd1' }, new Set(['trusted.example'])),
    ).toMatchObject({
      type: 'allowed',
    });
  });

  it.each([
    ['owner', true, true],
    ['publisher', true, true],
    ['publish-only', true, true],
    ['member', false, true],
    ['outcast', false, false],
    ['none', false, true],
  ] as const)('%s may publish to a node of publishers: %s, to an open one: %s', (affiliation, publishers, open) => {
    const affiliations = affiliation === 'none' ? {} : { 'x.example': affiliation };
    for (const [publishModel, allowed] of [
      ['publishers', publishers],
      ['open', open],
    ] as const)
      expect(
        decideAuthorisation({ ...live, publishModel, affiliations }, { publisher: 'x.example', device: 'd1' }, none)
          .type,
      ).toBe(allowed ? 'allowed' : 'forbidden');
  });
  it.each([
    ['the secret of the node', 'digest', 'allowed'],
    ['another secret', 'tsegid', 'forbidden'],
    ['a longer secret', 'digest-and-more', 'forbidden'],
    ['an empty secret', '', 'forbidden'],
    ['no secret field, as from older gateways', undefined, 'allowed'],
  ] as const)('with %s', (_what, secret, type) => {
    const secured = { ...live, secret: 'digest' };
    const trusted = new Set(['localhost']);
    expect(decideAuthorisation(secured, { publisher: 'localhost', device: 'd1', secret }, trusted).type).toBe(type);
    expect(decideAuthorisation(live, { publisher: 'localhost', device: 'd1', secret }, none).type).toBe('allowed');
  });
  it('does not switch a node to another device without its secret', () => {
    const guess = { publisher: 'localhost', device: 'd2', secret: 'tsegid' };
    expect(decideAuthorisation({ ...live, secret: 'digest' }, guess, none)).toEqual({ type: 'forbidden' });
    expect(decideAuthorisation({ ...retired, secret: 'digest' }, guess, none)).toEqual({ type: 'not-found' });
  });
});
