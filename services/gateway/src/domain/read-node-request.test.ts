import { describe, expect, it } from 'vitest';
import { maxAffiliations } from '@pushmesh/contracts';
import { parseStanza } from '@pushmesh/xmpp';
import { stanzaErrors } from './stanza-errors.ts';
import { readStanza } from './read-stanza.ts';

const read = (type: string, inside: string, fragment = '#owner') => {
  const pubsub = `<pubsub xmlns='http://jabber.org/protocol/pubsub${fragment}'>${inside}</pubsub>`;
  const iq = parseStanza(`<iq type='${type}' id='1' from='Alice@localhost/phone' to='push.localhost'>${pubsub}</iq>`);
  if (iq instanceof Error) throw iq;
  return readStanza(iq, ['app-server']);
};
const asked = { node: 'n', requester: 'alice@localhost' };
const badRequest: unknown = expect.objectContaining({ type: 'modify', condition: 'bad-request' });
const notAcceptable: unknown = expect.objectContaining({ type: 'modify', condition: 'not-acceptable' });

const form = (type: string, fields: string) =>
  `<configure node='n'><x xmlns='jabber:x:data' type='${type}'>${fields}</x></configure>`;
const field = (name: string, value: string) => `<field var='${name}'><value>${value}</value></field>`;
const affiliations = (inside: string) => `<affiliations node='n'>${inside}</affiliations>`;
const affiliation = (jid: string, value: string) => `<affiliation jid='${jid}' affiliation='${value}'/>`;

describe('an owner asks for', () => {
  it.each([
    ['affiliations', 'get-affiliations'],
    ['configure', 'get-configuration'],
  ] as const)('%s', (name, type) => {
    expect(read('get', `<${name} node='n'/>`)).toEqual({ kind: type, request: { type, ...asked } });
  });
  it.each(['get', 'set'] as const)('nothing without the id of a node: %s', (type) => {
    const tooLong = 'n'.repeat(1_024);
    for (const name of ['affiliations', 'configure']) {
      expect(read(type, `<${name}/>`)).toMatchObject({ error: stanzaErrors.nodeIdMissing });
      expect(read(type, `<${name} node='${tooLong}'/>`)).toMatchObject({ error: stanzaErrors.nodeUnknown });
    }
  });
});

it.each([
  ['<affiliations/>', undefined],
  ["<affiliations node='n'/>", 'n'],
])('anybody asks for their own affiliations: %s', (inside, node) => {
  const type = 'own-affiliations';
  expect(read('get', inside, '')).toEqual({ kind: type, request: { type, node, requester: 'alice@localhost' } });
});

describe('affiliations', () => {
  it.each(['owner', 'publisher', 'publish-only', 'member', 'outcast', 'none'])('%s is one', (each) => {
    expect(read('set', affiliations(affiliation('muc.localhost', each)))).toEqual({
      kind: 'set-affiliations',
      request: { type: 'set-affiliations', ...asked, affiliations: [{ jid: 'muc.localhost', affiliation: each }] },
    });
  });
  it('are those of bare JIDs', () => {
    const inside = affiliation('MUC.Localhost', 'publisher') + affiliation('Bob@localhost/desk', 'none');
    expect(read('set', affiliations(inside))).toMatchObject({
      request: {
        affiliations: [
          { jid: 'muc.localhost', affiliation: 'publisher' },
          { jid: 'bob@localhost', affiliation: 'none' },
        ],
      },
    });
  });
  it('may be empty', () => {
    expect(read('set', affiliations(''))).toMatchObject({ request: { affiliations: [] } });
  });
  it.each([
    ['another word', affiliation('bob@localhost', 'friend'), badRequest],
    ['no word', "<affiliation jid='bob@localhost'/>", badRequest],
    ['an invalid JID', affiliation('@@', 'publisher'), badRequest],
    ['no JID', "<affiliation affiliation='publisher'/>", badRequest],
    ['something else', '<sing/>', badRequest],
    ['a good one and a bad one', affiliation('b@h', 'publisher') + affiliation('', 'publisher'), badRequest],
    [
      'more than a node may have',
      affiliation('b@h', 'publisher').repeat(maxAffiliations + 1),
      stanzaErrors.tooManyAffiliations,
    ],
  ])('%s is refused', (_what, inside, error) => {
    expect(read('set', affiliations(inside))).toEqual({ kind: 'set-affiliations', error });
  });
});

describe('the configuration', () => {
  const type = 'set-configuration';
  it.each([
    ['the publish model', form('submit', field('pubsub#publish_model', 'open')), { publishModel: 'open' }],
    ['a secret', form('submit', field('secret', 'hush')), { secret: 'hush' }],
    ['the removal of a secret', form('submit', field('secret', '')), { secret: '' }],
    ['a secret that was not filled in', form('submit', "<field var='secret'/>"), {}],
    ['fields that do not matter', form('submit', field('pubsub#title', 'x') + field('FORM_TYPE', 'x')), {}],
    ['a form that was cancelled', form('cancel', field('pubsub#publish_model', 'open')), {}],
  ])('%s', (_what, configure, config) => {
    expect(read('set', configure)).toEqual({ kind: type, request: { type, ...asked, ...config } });
  });
  it.each([
    ['no form', "<configure node='n'/>", badRequest],
    ['a form that is not submitted', form('form', ''), badRequest],
    ['another access model', form('submit', field('pubsub#access_model', 'open')), stanzaErrors.accessModel],
    ['another publish model', form('submit', field('pubsub#publish_model', 'subscribers')), notAcceptable],
    ['a secret that is too long', form('submit', field('secret', 's'.repeat(1_024))), notAcceptable],
  ])('%s is refused', (_what, configure, error) => {
    expect(read('set', configure)).toEqual({ kind: type, error });
  });
  it('can come with a create', () => {
    const fields = field('pubsub#publish_model', 'open') + field('secret', 'hush');
    const create = `<create node='n'/>${form('submit', fields).replace(" node='n'", '')}`;
    const request = { type: 'create-node', node: 'n', owner: 'alice@localhost', publishModel: 'open', secret: 'hush' };
    expect(read('set', create, '')).toEqual({ kind: 'create-node', request });
  });
});
