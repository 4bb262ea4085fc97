import { describe, expect, it } from 'vitest';
import { createAcceptPush, secretDigest } from '@pushmesh/acceptance';
import { parseStanza } from '@pushmesh/xmpp';
import { stanzaErrors } from '../domain/stanza-errors.ts';
import { readStanza } from '../domain/read-stanza.ts';
import { createRequestHandler } from './handle-request.ts';
import type { Role } from '../config.ts';

type Asked = readonly [type: string, command: unknown];

/** The answer to an IQ from a@b if pubsub-push replies `reply`, and what pubsub-push was asked. */
const ask = async (
  type: 'get' | 'set',
  payload: string,
  reply: object,
  published = 'stored',
  roles: readonly Role[] = ['app-server'],
) => {
  const asked: Asked[] = [];
  let unverified = 0;
  const bus = {
    request: (command: string, value: unknown) => (asked.push([command, value]), Promise.resolve(reply)),
    publish: () => Promise.resolve({ type: published }),
  } as unknown as Parameters<typeof createAcceptPush>[0]['bus'];
  const acceptPush = createAcceptPush({
    bus,
    clock: () => 0,
    defaultTtlMs: 1_000,
    maxPayloadBytes: 1_000,
    onUnverified: () => (unverified += 1),
  });
  const handleRequest = createRequestHandler({ bus, acceptPush });
  const iq = parseStanza(`<iq type='${type}' id='o' from='a@b/r' to='push.b'>${payload}</iq>`);
  if (iq instanceof Error) throw iq;
  const read = readStanza(iq, roles);
  if (!('request' in read)) throw new Error('not a request');
  const given = await handleRequest(read.request, { host: 'push.b', roles, iqId: 'o', traceparent: '' });
  return 'error' in given
    ? { asked, unverified, error: given.error, result: undefined }
    : { asked, unverified, error: undefined, result: given.result?.toString() };
};

const pubsub = 'http://jabber.org/protocol/pubsub';
const ofOwner = (inside: string) => `<pubsub xmlns='${pubsub}#owner'>${inside}</pubsub>`;
const updated = { v: 1, type: 'updated' };

describe('affiliations', () => {
  const set = ofOwner("<affiliations node='n'><affiliation jid='muc.b' affiliation='publish-only'/></affiliations>");
  it('are shown to an owner', async () => {
    const affiliations = [{ jid: 'b', affiliation: 'publish-only' }];
    const { result } = await ask('get', ofOwner("<affiliations node='n'/>"), {
      v: 1,
      type: 'affiliations',
      affiliations,
    });
    expect(result).toBe(
      `<pubsub xmlns="${pubsub}#owner"><affiliations node="n"><affiliation jid="b" affiliation="publish-only"/></affiliations></pubsub>`,
    );
  });
  it('are set by an owner', async () => {
    const affiliations = [{ jid: 'muc.b', affiliation: 'publish-only' }];
    const { asked, ...answer } = await ask('set', set, updated);
    expect(asked).toEqual([['set-affiliations', { v: 1, host: 'push.b', node: 'n', requester: 'a@b', affiliations }]]);
    expect(answer).toMatchObject({ result: undefined, error: undefined });
  });
  it('keep at least one owner, and the error says who that is', async () => {
    const { error } = await ask('set', set, { v: 1, type: 'last-owner', owners: ['a@b'] });
    expect(error).toMatchObject({ type: 'modify', condition: 'not-acceptable' });
    expect(String(error?.payload)).toContain('<affiliation jid="a@b" affiliation="owner"/>');
  });
  it('of the requester are the nodes that they own', async () => {
    const own = async (inside: string) =>
      (await ask('get', `<pubsub xmlns='${pubsub}'>${inside}</pubsub>`, { v: 1, type: 'nodes', nodes: ['n', 'm'] }))
        .result;
    const of = (...nodes: string[]) =>
      nodes.map((node) => `<affiliation node="${node}" affiliation="owner"/>`).join('');
    expect(await own('<affiliations/>')).toContain(`<affiliations>${of('n', 'm')}</affiliations>`);
    expect(await own("<affiliations node='m'/>")).toContain(`<affiliations>${of('m')}</affiliations>`);
  });
});

describe('the configuration', () => {
  const set = (secret: string) =>
    ofOwner(
      `<configure node='n'><x xmlns='jabber:x:data' type='submit'><field var='secret'><value>${secret}</value></field></x></configure>`,
    );
  it('is a form, without the secret', async () => {
    const configuration = { v: 1, type: 'configuration', publishModel: 'open' };
    const { result } = await ask('get', ofOwner("<configure node='n'/>"), configuration);
    expect(result).toContain(
      `<pubsub xmlns="${pubsub}#owner"><configure node="n"><x xmlns="jabber:x:data" type="form">`,
    );
    expect(result).toMatch(/var="pubsub#publish_model".*<value>open<\/value><\/field>/);
    expect(result).toMatch(/<field var="secret"[^>]*\/>/);
  });
  it('takes a secret and passes on its digest', async () => {
    const command = { v: 1, host: 'push.b', node: 'n', requester: 'a@b' };
    const secret = secretDigest('push.b', 'n', 'hush');
    expect((await ask('set', set('hush'), updated)).asked).toEqual([['set-configuration', { ...command, secret }]]);
    expect((await ask('set', set(''), updated)).asked).toEqual([['set-configuration', { ...command, secret: '' }]]);
    const create = `<create node='n'/>${set('hush').replace(/^<pubsub[^>]*>|<\/pubsub>$| node='n'/g, '')}`;
    const created = await ask('set', `<pubsub xmlns='${pubsub}'>${create}</pubsub>`, { v: 1, type: 'created' });
    expect(created.asked).toEqual([['create-node', { v: 1, host: 'push.b', node: 'n', owner: 'a@b', secret }]]);
  });
});

it.each([
  `<query xmlns='http://jabber.org/protocol/disco#items'/>`,
  `<pubsub xmlns='${pubsub}'><affiliations/></pubsub>`,
])('a list of nodes is never so long that it costs the stream: %s', async (question) => {
  const nodes = Array.from({ length: 1_000 }, (_each, index) => `${'"'.repeat(1_000)}${index}`);
  const { result = '' } = await ask('get', question, { v: 1, type: 'nodes', nodes });
  expect(result.length).toBeLessThan(200_000);
  expect(result).toContain('&quot;20"');
});

it('a registration is kept without its secret', async () => {
  const field = (name: string) => `<field var='${name}'><value>x</value></field>`;
  const form = `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>${pubsub}#publish-options</value></field>${field('secret')}${field('service')}</x>`;
  const enable = `<enable xmlns='urn:xmpp:push:0' jid='push.b' node='n'>${form}</enable>`;
  const { asked } = await ask('set', enable, { v: 1, type: 'enabled' }, 'stored', ['xmpp-server']);
  expect(asked).toEqual([['enable', { v: 1, user: 'a@b', service: 'push.b', node: 'n', options: { service: 'x' } }]]);
});

it('an unverified publish counts when it is stored', async () => {
  const field = (name: string) => `<field var='${name}'><value>fcm</value></field>`;
  const publish =
    `<pubsub xmlns='${pubsub}'><publish node='n'><item><notification xmlns='urn:xmpp:push:0'/></item></publish>` +
    `<publish-options><x xmlns='jabber:x:data'>${field('service')}${field('device_id')}</x></publish-options></pubsub>`;
  const away = { type: 'no-responders' };
  expect(await ask('set', publish, away, 'stored')).toMatchObject({ unverified: 1, error: undefined });
  expect(await ask('set', publish, away, 'timeout')).toMatchObject({ unverified: 0, error: stanzaErrors.trouble });
});

it('a component that is not an app server asks nobody about push nodes', async () => {
  const handleRequest = createRequestHandler({ bus: {} as never, acceptPush: () => expect.unreachable() });
  const context = { host: 'push.b', roles: ['xmpp-server'], iqId: '1', traceparent: '' } as const;
  const requester = 'a@b';
  expect(await handleRequest({ type: 'disco-info', node: 'n', requester }, context)).toEqual({
    error: stanzaErrors.nodeUnknown,
  });
  expect(await handleRequest({ type: 'disco-items', node: undefined, requester }, context)).toHaveProperty('result');
});
