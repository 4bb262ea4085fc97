import { describe, expect, it } from 'vitest';
import { maxAffiliations } from '@pushmesh/contracts';
import { decideAffiliations, decideConfiguration, decideRead } from './configure.ts';
import type { PushNode } from './node.ts';

const alice = 'alice@localhost';
const bob = 'bob@localhost';
const node: PushNode = {
  host: 'h',
  node: 'n',
  owner: alice,
  publishModel: 'publishers',
  affiliations: { localhost: 'publish-only', [alice]: 'owner' },
  version: 7,
  freshAt: 5_000,
};
const shared: PushNode = { ...node, affiliations: { ...node.affiliations, [bob]: 'owner' } };

it.each([
  ['an unknown node', undefined, alice, 'not-found'],
  ['a retired node', { ...node, retiredAt: 6_000 }, alice, 'not-found'],
  ["somebody else's node", node, bob, 'forbidden'],
  ['a node that the requester may only publish to', node, 'localhost', 'forbidden'],
  ['a name that is special in JavaScript', node, '__proto__', 'forbidden'],
] as const)('refuses to read or change %s', (_what, found, requester, type) => {
  expect(decideRead(found, requester)).toEqual({ type });
  expect(decideAffiliations(found, requester, [{ jid: requester, affiliation: 'owner' }])).toEqual({ type });
  expect(decideConfiguration(found, requester, { publishModel: 'open', secret: '' })).toEqual({ type });
});

describe('affiliations', () => {
  it.each([
    ['a new affiliation', [{ jid: 'muc.localhost', affiliation: 'publisher' }], { 'muc.localhost': 'publisher' }],
    ['a different affiliation', [{ jid: 'localhost', affiliation: 'outcast' }], { localhost: 'outcast' }],
    ['a second owner', [{ jid: bob, affiliation: 'owner' }], { [bob]: 'owner' }],
    [
      'the last of several changes for the same JID',
      [
        { jid: 'x', affiliation: 'none' },
        { jid: 'x', affiliation: 'member' },
      ],
      { x: 'member' },
    ],
    [
      'a name that is special in JavaScript',
      [{ jid: '__proto__', affiliation: 'publisher' }],
      JSON.parse('{"__proto__":"publisher"}') as object,
    ],
  ] as const)('writes %s', (_what, changes, written) => {
    const expected = Object.fromEntries([...Object.entries(node.affiliations), ...Object.entries(written)]);
    const decision = decideAffiliations(node, alice, [...changes]);
    expect(decision).toEqual({ type: 'change', version: 7, changes: { affiliations: expected } });
  });

  it('removes an affiliation that is set to none', () => {
    expect(decideAffiliations(node, alice, [{ jid: 'localhost', affiliation: 'none' }])).toEqual({
      type: 'change',
      version: 7,
      changes: { affiliations: { [alice]: 'owner' } },
    });
  });

  it('writes nothing if nothing changes', () => {
    for (const changes of [[], [{ jid: 'localhost', affiliation: 'publish-only' as const }]])
      expect(decideAffiliations(node, alice, changes)).toEqual({ type: 'unchanged' });
  });

  it('never removes the last owner, and then applies none of the other changes', () => {
    for (const affiliation of ['none', 'publisher', 'outcast'] as const)
      expect(
        decideAffiliations(node, alice, [
          { jid: 'x', affiliation: 'member' },
          { jid: alice, affiliation },
        ]),
      ).toEqual({ type: 'last-owner', owners: [alice] });
    const all = [alice, bob].map((jid) => ({ jid, affiliation: 'none' as const }));
    expect(decideAffiliations(shared, alice, all)).toEqual({ type: 'last-owner', owners: [alice, bob] });
  });

  it('lets one of several owners be removed', () => {
    expect(decideAffiliations(shared, bob, [{ jid: alice, affiliation: 'none' }])).toMatchObject({
      changes: { affiliations: { localhost: 'publish-only', [bob]: 'owner' } },
    });
  });

  it('are bounded', () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ jid: `s${index}.example`, affiliation: 'publisher' as const }));
    const room = maxAffiliations - Object.keys(node.affiliations).length;
    expect(decideAffiliations(node, alice, many(room))).toMatchObject({ type: 'change' });
    expect(decideAffiliations(node, alice, many(room + 1))).toEqual({ type: 'too-many' });
    const long = Array.from({ length: 9 }, (_each, index) => ({
      jid: `${'x'.repeat(1_000)}${index}@h`,
      affiliation: 'publisher' as const,
    }));
    expect(decideAffiliations(node, alice, long)).toEqual({ type: 'too-many' });
  });
});

describe('the configuration', () => {
  it.each([
    ['the publish model', { publishModel: 'open' }, { publishModel: 'open' }],
    ['a secret', { secret: 'digest' }, { secret: 'digest' }],
  ] as const)('writes %s', (_what, wanted, changes) => {
    expect(decideConfiguration(node, alice, wanted)).toEqual({ type: 'change', version: 7, changes });
  });
  it('removes the secret if the new one is empty', () => {
    const decision = decideConfiguration({ ...node, secret: 'digest' }, alice, { secret: '' });
    expect(decision).toEqual({ type: 'change', version: 7, changes: { secret: '' } });
  });
  it('writes nothing if nothing changes', () => {
    for (const wanted of [{}, { publishModel: 'publishers' }, { secret: '' }] as const)
      expect(decideConfiguration(node, alice, wanted)).toEqual({ type: 'unchanged' });
  });
});
