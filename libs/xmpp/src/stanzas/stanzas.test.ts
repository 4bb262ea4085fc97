import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStanza } from '../xml.ts';
import type { Element } from '../xml.ts';
import { readAffiliations } from './pubsub-owner.ts';
import { readCreate, readPublish } from './pubsub.ts';
import { readDisable, readEnable, readSummary } from './push.ts';

const parse = (text: string): Element => {
  const element = parseStanza(text);
  if (element instanceof Error) throw element;
  return element;
};
const form = (type: string, formType: string, fields: string) =>
  `<x xmlns='jabber:x:data'${type && ` type='${type}'`}><field var='FORM_TYPE'><value>${formType}</value></field>${fields}</x>`;
const options = 'http://jabber.org/protocol/pubsub#publish-options';
const enable = (attributes: string, inside = '') =>
  readEnable(parse(`<enable xmlns='urn:xmpp:push:0' ${attributes}>${inside}</enable>`));

describe('enable', () => {
  const field = "<field var='service'><value>apns</value></field>";

  it('reads jid, node and the form as a flat record', () => {
    expect(
      enable(
        "jid='Push.localhost/x' node='n'",
        form('submit', options, `${field}<field var='silent'><value/></field>`),
      ),
    ).toEqual({
      service: 'push.localhost',
      node: 'n',
      options: { service: 'apns', silent: '' },
    });
  });

  it.each([
    ['no form', '', {}],
    ['a form that is not a data form', "<x xmlns='other'/>", {}],
    ['a form that holds only its FORM_TYPE', form('submit', options, ''), {}],
    ['a field without a name', form('submit', options, '<field><value>x</value></field>'), {}],
    [
      'a name twice: the last wins',
      form('submit', options, `<field var='a'><value>1</value></field><field var='a'><value>2</value></field>`),
      { a: '2' },
    ],
    [
      'a name that is special in JavaScript',
      form('submit', options, `<field var='__proto__'><value>1</value></field>`),
      JSON.parse('{"__proto__":"1"}'),
    ],
  ])('accepts %s', (_what, inside, expected) => {
    expect(enable("jid='p' node='n'", inside)).toEqual({ service: 'p', node: 'n', options: expected as object });
  });

  it.each([
    ['no jid', "node='n'", ''],
    ['an empty jid', "jid='' node='n'", ''],
    ['an invalid jid', "jid='@@' node='n'", ''],
    ['no node', "jid='p'", ''],
    ['an empty node', "jid='p' node=''", ''],
    ['a form without type', "jid='p' node='n'", form('', options, field)],
    ['a form of another type', "jid='p' node='n'", form('form', options, field)],
    ['another FORM_TYPE', "jid='p' node='n'", form('submit', 'x', field)],
    ['no FORM_TYPE', "jid='p' node='n'", `<x xmlns='jabber:x:data' type='submit'>${field}</x>`],
    ['a field without value', "jid='p' node='n'", form('submit', options, "<field var='service'/>")],
    [
      'a field with two values',
      "jid='p' node='n'",
      form('submit', options, "<field var='a'><value>1</value><value>2</value></field>"),
    ],
  ])('refuses %s', (_what, attributes, inside) => {
    expect(enable(attributes, inside)).toHaveProperty('malformed');
  });
});

describe('disable', () => {
  const disable = (attributes: string) => readDisable(parse(`<disable xmlns='urn:xmpp:push:0' ${attributes}/>`));
  it('disables one node, or without node all nodes of the service', () => {
    expect(disable("jid='p' node='n'")).toEqual({ service: 'p', node: 'n' });
    expect(disable("jid='p'")).toEqual({ service: 'p' });
  });
  it.each(["node='n'", "jid=''", "jid='@@'", "jid='p' node=''"])('refuses %s', (attributes) => {
    expect(disable(attributes)).toHaveProperty('malformed');
  });
});

describe('the summary', () => {
  const summary = (inside: string) =>
    readSummary(parse(`<notification xmlns='urn:xmpp:push:0'>${inside}</notification>`));
  const fields =
    "<field var='message-count'><value>7</value></field><field var='last-message-sender'><value>b@h/r</value></field><field var='last-message-body'/>";
  for (const type of ['submit', 'form', 'result', ''])
    it(`is read from a form of type "${type}", with a field that has no value`, () => {
      expect(summary(form(type, 'urn:xmpp:push:summary', fields))).toEqual({
        messageCount: 7,
        lastMessageSender: 'b@h/r',
      });
    });
  it('is found behind a form of another FORM_TYPE', () => {
    expect(summary(form('submit', 'other', '') + form('form', 'urn:xmpp:push:summary', fields))).toEqual({
      messageCount: 7,
      lastMessageSender: 'b@h/r',
    });
  });
  it('keeps other fields than those of the XEP, if they have a value', () => {
    const other =
      "<field var='type'><value>jmi</value></field><field var='empty'/><field var='two'><value>a</value><value>b</value></field>";
    expect(summary(form('submit', 'urn:xmpp:push:summary', fields + other))).toEqual({
      messageCount: 7,
      lastMessageSender: 'b@h/r',
      otherFields: { type: 'jmi', two: 'a\nb' },
    });
  });
  it.each([
    ['no form', ''],
    ['another form', form('submit', 'other', fields)],
    [
      'an invalid count',
      form('submit', 'urn:xmpp:push:summary', "<field var='message-count'><value>-1</value></field>"),
    ],
  ])('is empty for %s', (_what, inside) => {
    expect(summary(inside)).toEqual({});
  });
});

describe('pubsub', () => {
  const pubsub = (inside: string) => parse(`<pubsub xmlns='http://jabber.org/protocol/pubsub'>${inside}</pubsub>`);
  const notification = "<notification xmlns='urn:xmpp:push:0'/>";

  it('reads a create, with and without type', () => {
    expect(readCreate(pubsub("<create node='n' type='push'/>"))).toMatchObject({ node: 'n', type: 'push' });
    expect(readCreate(pubsub("<create node='n'/>"))).toMatchObject({ node: 'n', type: undefined });
    expect(readCreate(pubsub("<publish node='n'/>"))).toBeUndefined();
  });

  it.each([
    ["<publish node='n'/>", 'item-required'],
    ["<publish node='n'><item/><item/></publish>", 'item-invalid'],
    ["<publish node='n'><other/></publish>", 'item-invalid'],
    ["<publish node='n'><item/></publish>", 'payload-required'],
    [`<publish node='n'><item>${notification}${notification}</item></publish>`, 'payload-invalid'],
    ["<publish node='n'><item><notification/></item></publish>", 'payload-invalid'],
    ["<publish node='n'><item><entry xmlns='urn:xmpp:push:0'/></item></publish>", 'payload-invalid'],
  ])('reports %s as %s', (inside, fault) => {
    expect(readPublish(pubsub(inside))?.payload).toBe(fault);
  });

  it('leaves sender and body out of the size of a notification, however many values they have', () => {
    const of = (fields: string): number => {
      const inside = `<notification xmlns='urn:xmpp:push:0'>${form('submit', 'urn:xmpp:push:summary', fields)}</notification>`;
      const payload = readPublish(pubsub(`<publish node='n'><item>${inside}</item></publish>`))?.payload;
      if (typeof payload !== 'object') throw new Error('no payload');
      return payload.otherBytes;
    };
    const text = (name: string) => `<field var='${name}'>${'<value>x</value>'.repeat(1_000)}</field>`;
    expect(of(text('last-message-body') + text('last-message-sender'))).toBe(of(''));
    expect(of(text('room'))).toBeGreaterThan(of('') + 1_000);
  });

  it.each([
    ['no options', '', {}],
    [
      'a form of another kind',
      `<publish-options>${form('submit', 'other', "<field var='a'><value>1</value></field>")}</publish-options>`,
      {},
    ],
    [
      'several values, joined by newlines',
      `<publish-options>${form('submit', options, "<field var='a'><value>1</value><value>2</value></field>")}</publish-options>`,
      { a: '1\n2' },
    ],
  ])('publish-options: %s', (_what, inside, expected) => {
    const publish = `<publish node='n'><item>${notification}</item></publish>${inside}`;
    expect(readPublish(pubsub(publish))?.options).toEqual(expected);
  });
});

it('no reader throws, whatever the element', () => {
  const name = fc.constantFrom(
    'pubsub',
    'publish',
    'item',
    'notification',
    'create',
    'configure',
    'x',
    'field',
    'value',
    'enable',
  );
  const attrs = fc.dictionary(
    fc.constantFrom('node', 'type', 'var', 'jid', 'xmlns'),
    fc.constantFrom('', 'n', '@@', 'jabber:x:data', 'urn:xmpp:push:0', 'http://jabber.org/protocol/pubsub'),
  );
  const element = (children: fc.Arbitrary<readonly string[]>) =>
    fc.tuple(name, attrs, children, fc.constantFrom('', 'text', '&lt;')).map(([n, a, inside, text]) => {
      const attributes = Object.entries(a).map(([key, value]) => ` ${key}='${value}'`);
      return `<${n}${attributes.join('')}>${text}${inside.join('')}</${n}>`;
    });
  const { tree } = fc.letrec<{ tree: string }>((tie) => ({
    tree: fc.oneof({ maxDepth: 5 }, element(fc.constant([])), element(fc.array(tie('tree'), { maxLength: 3 }))),
  }));
  fc.assert(
    fc.property(tree, (text) => {
      const parsed = parse(text);
      for (const read of [readEnable, readDisable, readSummary, readCreate, readPublish, readAffiliations])
        expect(() => read(parsed)).not.toThrow();
    }),
    { numRuns: 300 },
  );
});
