import { expect, it } from 'vitest';
import { parseStanza } from '@pushmesh/xmpp';
import type { Element } from '@pushmesh/xmpp';
import { stanzaErrors } from './stanza-errors.ts';
import { readStanza } from './read-stanza.ts';

const stanza = (text: string): Element => {
  const element = parseStanza(text);
  if (element instanceof Error) throw element;
  return element;
};
const iq = (type: string, payload: string, attributes = "id='1' from='Alice@localhost/phone' to='push.localhost'") =>
  stanza(`<iq type='${type}' ${attributes}>${payload}</iq>`);
const both = ['app-server', 'xmpp-server'] as const;
const pubsub = (inside: string) => `<pubsub xmlns='http://jabber.org/protocol/pubsub'>${inside}</pubsub>`;
const owner = (inside: string) => `<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'>${inside}</pubsub>`;
const configure = (type: string, fields: string) =>
  `<create node='n' type='push'/><configure><x xmlns='jabber:x:data' type='${type}'>${fields}</x></configure>`;
const field = (name: string, value: string) => `<field var='${name}'><value>${value}</value></field>`;
const tooLong = 'n'.repeat(1024);

it.each([
  ['get', "<ping xmlns='urn:xmpp:ping'/>", { type: 'ping' }],
  [
    'get',
    "<query xmlns='http://jabber.org/protocol/disco#info'/>",
    { type: 'disco-info', node: undefined, requester: 'alice@localhost' },
  ],
  [
    'get',
    "<query xmlns='http://jabber.org/protocol/disco#items'/>",
    { type: 'disco-items', node: undefined, requester: 'alice@localhost' },
  ],
  ['set', pubsub("<create node='n' type='push'/>"), { type: 'create-node', node: 'n', owner: 'alice@localhost' }],
  ['set', pubsub("<create node='n'/>"), { type: 'create-node', node: 'n', owner: 'alice@localhost' }],
  [
    'set',
    pubsub(configure('submit', field('pubsub#publish_model', 'open') + field('pubsub#title', 'x'))),
    { type: 'create-node', node: 'n', owner: 'alice@localhost', publishModel: 'open' },
  ],
  ['set', owner("<delete node='n'/>"), { type: 'delete-node', node: 'n', requester: 'alice@localhost' }],
  [
    'set',
    "<enable xmlns='urn:xmpp:push:0' jid='push.localhost' node='n'/>",
    { type: 'enable', user: 'alice@localhost', service: 'push.localhost', node: 'n', options: {} },
  ],
  [
    'set',
    "<disable xmlns='urn:xmpp:push:0' jid='push.localhost'/>",
    { type: 'disable', user: 'alice@localhost', service: 'push.localhost' },
  ],
])('%s %s is a request', (type, payload, request) => {
  expect(readStanza(iq(type, payload), both)).toEqual({ kind: request.type, request });
});

it.each([
  ['create of another type', 'set', pubsub("<create node='n' type='flat'/>"), stanzaErrors.unsupported('create-nodes')],
  ['create without node', 'set', pubsub("<create type='push'/>"), stanzaErrors.nodeIdRequired],
  [
    'create with a node that is too long',
    'set',
    pubsub(`<create node='${tooLong}' type='push'/>`),
    stanzaErrors.nodeIdTooLong,
  ],
  [
    'create with a form that is not submitted',
    'set',
    pubsub(configure('form', '')),
    expect.objectContaining({ condition: 'bad-request' }),
  ],
  [
    'create with another access model',
    'set',
    pubsub(configure('submit', field('pubsub#access_model', 'open'))),
    stanzaErrors.accessModel,
  ],
  [
    'create with another publish model',
    'set',
    pubsub(configure('submit', field('pubsub#publish_model', 'subscribers'))),
    expect.objectContaining({ condition: 'not-acceptable' }),
  ],
  ['delete without node', 'set', owner('<delete/>'), stanzaErrors.notAllowed],
  ['delete of a node id that is too long', 'set', owner(`<delete node='${tooLong}'/>`), stanzaErrors.nodeUnknown],
  [
    'publish to a node id that is too long',
    'set',
    pubsub(`<publish node='${tooLong}'><item><notification xmlns='urn:xmpp:push:0'/></item></publish>`),
    stanzaErrors.nodeUnknown,
  ],
  [
    'enable of a node id that is too long',
    'set',
    `<enable xmlns='urn:xmpp:push:0' jid='p' node='${tooLong}'/>`,
    expect.objectContaining({ condition: 'bad-request' }),
  ],
  ['publish without node', 'set', pubsub('<publish/>'), stanzaErrors.nodeIdMissing],
  ['publish without item', 'set', pubsub("<publish node='n'/>"), stanzaErrors.itemRequired],
  ['publish of two items', 'set', pubsub("<publish node='n'><item/><item/></publish>"), stanzaErrors.payloadInvalid],
  ['subscribe', 'set', pubsub("<subscribe node='n' jid='alice@localhost'/>"), stanzaErrors.unsupported('subscribe')],
  ['items', 'get', pubsub("<items node='n'/>"), stanzaErrors.unsupported('retrieve-items')],
  ['retract', 'set', pubsub("<retract node='n'/>"), stanzaErrors.unsupported('persistent-items')],
  ['purge', 'set', owner("<purge node='n'/>"), stanzaErrors.unsupported('persistent-items')],
  ['the default configuration', 'get', owner('<default/>'), stanzaErrors.unsupported('retrieve-default')],
  ['subscriptions', 'get', owner("<subscriptions node='n'/>"), stanzaErrors.unsupported('manage-subscriptions')],
  ['an unknown pubsub request', 'set', pubsub('<sing/>'), expect.objectContaining({ condition: 'bad-request' })],
  [
    'a create that is only asked for',
    'get',
    pubsub("<create node='n'/>"),
    expect.objectContaining({ condition: 'bad-request' }),
  ],
  ['enable by get', 'get', "<enable xmlns='urn:xmpp:push:0' jid='p' node='n'/>", stanzaErrors.notAllowed],
  [
    'enable without node',
    'set',
    "<enable xmlns='urn:xmpp:push:0' jid='p'/>",
    expect.objectContaining({ type: 'modify', condition: 'bad-request' }),
  ],
  [
    'disable with an empty node',
    'set',
    "<disable xmlns='urn:xmpp:push:0' jid='p' node=''/>",
    expect.objectContaining({ type: 'modify', condition: 'bad-request' }),
  ],
  [
    'something else of push',
    'set',
    "<sing xmlns='urn:xmpp:push:0'/>",
    expect.objectContaining({ type: 'modify', condition: 'bad-request' }),
  ],
  ['an unknown namespace', 'get', "<query xmlns='jabber:iq:last'/>", stanzaErrors.serviceUnavailable],
  ['a namespace that is special in JavaScript', 'get', "<query xmlns='__proto__'/>", stanzaErrors.serviceUnavailable],
  ['a payload without namespace', 'get', '<query/>', stanzaErrors.serviceUnavailable],
  ['no payload', 'get', '', expect.objectContaining({ type: 'modify', condition: 'bad-request' })],
  ['two payloads', 'get', '<a/><b/>', expect.objectContaining({ type: 'modify', condition: 'bad-request' })],
  ['another type', 'sing', '<a/>', expect.objectContaining({ type: 'modify', condition: 'bad-request' })],
])('%s is refused', (_what, type, payload, error) => {
  expect(readStanza(iq(type, payload), both)).toMatchObject({ error });
});

it('enable takes options of up to 60,000 octets', () => {
  const enable = (value: string) => {
    const options = field('FORM_TYPE', 'http://jabber.org/protocol/pubsub#publish-options') + field('a', value);
    const form = `<x xmlns='jabber:x:data' type='submit'>${options}</x>`;
    return readStanza(iq('set', `<enable xmlns='urn:xmpp:push:0' jid='p' node='n'>${form}</enable>`), both);
  };
  // As JSON: {"a":"…"}
  const most = 'ü'.repeat((60_000 - 8) / 2);
  expect(enable(most)).toMatchObject({ request: { type: 'enable', options: { a: most } } });
  expect(enable(`${most}x`)).toEqual({
    kind: 'enable',
    error: stanzaErrors.preconditionNotMet('publish-options are too large'),
  });
});

it('a publish does not keep options that are too large while it waits for pubsub-push', () => {
  const publish = (value: string) => {
    const options = field('FORM_TYPE', 'http://jabber.org/protocol/pubsub#publish-options') + field('a', value);
    const form = `<publish-options><x xmlns='jabber:x:data' type='submit'>${options}</x></publish-options>`;
    const item = "<item><notification xmlns='urn:xmpp:push:0'/></item>";
    return readStanza(iq('set', pubsub(`<publish node='n'>${item}</publish>${form}`)), both);
  };
  const most = 'x'.repeat(60_000 - 8);
  expect(publish(most)).toMatchObject({ request: { type: 'publish', options: { a: most } } });
  expect(publish(`${most}x`)).toMatchObject({ request: { type: 'publish', options: 'too-large' } });
});

it('a component answers only for its roles', () => {
  const enable = iq('set', "<enable xmlns='urn:xmpp:push:0' jid='p' node='n'/>");
  const create = iq('set', pubsub("<create node='n'/>"));
  expect(readStanza(enable, ['app-server'])).toMatchObject({ error: stanzaErrors.serviceUnavailable });
  for (const each of [create, iq('get', owner("<affiliations node='n'/>")), iq('get', pubsub('<affiliations/>'))])
    expect(readStanza(each, ['xmpp-server'])).toMatchObject({ error: stanzaErrors.serviceUnavailable });
});

it.each([
  ['message', stanza("<message from='a@b'/>")],
  ['presence', stanza("<presence from='a@b'/>")],
  ['reply', iq('result', '')],
  ['reply', iq('error', '<error/>')],
  ['without-sender', iq('get', '<a/>', "id='1'")],
  ['without-sender', iq('get', '<a/>', "id='1' from='@@'")],
  ['without-id', iq('get', '<a/>', "from='a@b'")],
  ['long-id', iq('get', '<a/>', `id='${'"'.repeat(4_097)}' from='a@b'`)],
  ['unknown', stanza('<sing/>')],
])('%s gets no answer', (ignored, element) => {
  expect(readStanza(element, both)).toEqual({ ignored });
});

it('what others wrote is cut, and never a reason to refuse', () => {
  const other = field('room', 'x'.repeat(60_001));
  const text =
    other + field('last-message-sender', 'x'.repeat(9_000)) + field('last-message-body', '😀'.repeat(30_000));
  const notification = `<notification xmlns='urn:xmpp:push:0'><x xmlns='jabber:x:data' type='form'>${text}</x></notification>`;
  const read = readStanza(iq('set', pubsub(`<publish node='n'><item>${notification}</item></publish>`)), both);
  if (!('request' in read) || read.request.type !== 'publish') throw new Error('not a publish');
  const { payload } = read.request;
  if (typeof payload === 'string') throw new Error('no payload');
  const { lastMessageSender = '', lastMessageBody = '' } = payload.summary;
  expect(Buffer.byteLength(lastMessageBody)).toBeLessThanOrEqual(4_096);
  expect(lastMessageBody).toMatch(/^😀+…$/u);
  expect(Buffer.byteLength(lastMessageSender)).toBeLessThanOrEqual(4_096);
  expect(payload.summary).not.toHaveProperty('otherFields');
});
