import { describe, expect, it } from 'vitest';
import { decideCreate, decideDelete, decideAuthorisation } from './manage.ts';
import type { PushNode } from './node.ts';

const facts = { host: 'h', node: 'n', owner: 'alice@localhost', publishModel: 'publishers', now: 5_000 } as const;
const created = decideCreate(undefined, facts);
if (created.type !== 'create') throw new Error('not created');
const node: PushNode = created.node;
const none = new Set<string>();

describe('create', () => {
  it('makes the creator owner, and lets the creator’s server publish', () => {
    expect(created).toMatchObject({
      replaces: undefined,
      node: { version: 5_000, freshAt: 5_000, affiliations: { 'alice@localhost': 'owner', localhost: 'publish-only' } },
    });
  });
  it('is a conflict for everybody while the node exists', () => {
    for (const owner of ['alice@localhost', 'bob@localhost'])
      expect(decideCreate(node, { ...facts, owner })).toEqual({ type: 'conflict' });
  });
  it('brings the owner’s own retired node back, as the next version, and nobody else’s', () => {
    const retired = { ...node, version: 9_000, retiredAt: 6_000 };
    expect(decideCreate(retired, { ...facts, now: 7_000 })).toMatchObject({
      replaces: 9_000,
      node: { version: 9_001, freshAt: 7_000 },
    });
    expect(decideCreate(retired, { ...facts, owner: 'bob@localhost' })).toEqual({ type: 'conflict' });
  });
});

it('only an owner deletes', () => {
  expect(decideDelete(undefined, 'alice@localhost')).toEqual({ type: 'not-found' });
  expect(decideDelete(node, 'alice@localhost')).toEqual({ type: 'delete', version: 5_000 });
  for (const other of ['bob@localhost', 'localhost', 'constructor', '__proto__'])
    expect(decideDelete(node, other)).toEqual({ type: 'forbidden' });
});

it('a node that is created again has a version of its own: a late 410 about the first one is stale', () => {
  const again = decideCreate(undefined, { ...facts, now: 5_001 });
  expect(again).toMatchObject({ type: 'create', node: { version: 5_001 } });
  expect(node.version).toBe(5_000);
});

describe('publish', () => {
  const live = { ...node, device: 'd1', version: 2 };
  const retired = { ...live, retiredAt: 9_000 };
  it.each([
    ['an unknown node', undefined, 'localhost', 'd1', { type: 'not-found' }],
    ['the owner’s server', live, 'localhost', 'd1', { type: 'allowed', version: 2 }],
    ['the owner', live, 'alice@localhost', 'd1', { type: 'allowed', version: 2 }],
    ['another user of that server', live, 'bob@localhost', 'd1', { type: 'forbidden' }],
    ['another server', live, 'evil.example', 'd1', { type: 'forbidden' }],
    ['a name that is special in JavaScript', live, 'constructor', 'd1', { type: 'forbidden' }],
    ['another device', live, 'localhost', 'd2', { type: 'renew', version: 2, device: 'd2' }],
    ['another device, by somebody who may not', live, 'evil.example', 'd2', { type: 'forbidden' }],
    ['no device that we could read', live, 'localhost', undefined, { type: 'allowed', version: 2 }],
    ['a retired node', retired, 'localhost', 'd1', { type: 'not-found' }],
    ['a retired node, another device', retired, 'localhost', 'd2', { type: 'renew', version: 2, device: 'd2' }],
    ['a retired node, another device, by somebody who may not', retired, 'evil.example', 'd2', { type: 'not-found' }],
    ['a retired node, no device that we could read', retired, 'localhost', undefined, { type: 'not-found' }],
  ] as const)('%s', (_what, found, publisher, device, decision) => {
    expect(decideAuthorisation(found, publisher, device, none)).toEqual(decision);
  });
  it('a trusted domain is a server, not its users', () => {
    const trusted = new Set(['trusted.example']);
    expect(decideAuthorisation(live, 'mallory@trusted.example', 'd1', trusted)).toEqual({ type: 'forbidden' });
  });
  it('an open node is open to everybody, and a trusted domain may publish everywhere', () => {
    expect(decideAuthorisation({ ...live, publishModel: 'open' }, 'evil.example', 'd1', none)).toMatchObject({
      type: 'allowed',
    });
    expect(decideAuthorisation(live, 'trusted.example', 'd1', new Set(['trusted.example']))).toMatchObject({
      type: 'allowed',
    });
  });
});
