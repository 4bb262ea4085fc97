import { expect, it } from 'vitest';
import { decideAuthorisation } from './authorise.ts';
import type { PushNode } from './node.ts';

const live: PushNode = {
  host: 'h',
  node: 'n',
  owner: 'alice@localhost',
  publishModel: 'publishers',
  affiliations: { 'alice@localhost': 'owner', localhost: 'publish-only' },
  version: 2,
  freshAt: 1_000,
  device: 'd1',
};
const retired = { ...live, retiredAt: 9_000 };
const none = new Set<string>();

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
] as const)('decides about %s', (_what, found, publisher, device, decision) => {
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
      decideAuthorisation({ ...live, publishModel, affiliations }, { publisher: 'x.example', device: 'd1' }, none).type,
    ).toBe(allowed ? 'allowed' : 'forbidden');
});

it.each([
  ['the secret of the node', 'digest', 'allowed'],
  ['another secret', 'tsegid', 'forbidden'],
  ['a longer secret', 'digest-and-more', 'forbidden'],
  ['an empty secret', '', 'forbidden'],
  ['no secret field, as from older gateways', undefined, 'allowed'],
] as const)('decides about a publish with %s', (_what, secret, type) => {
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
