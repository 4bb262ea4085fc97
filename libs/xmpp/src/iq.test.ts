import { expect, it } from 'vitest';
import { childElements, errorOf, resultOf } from './iq.ts';
import { parseStanza, xml } from './xml.ts';
import type { Element } from './xml.ts';

const iq = parseStanza(
  "<iq type='set' id='a/+=:&amp;&lt;' from='localhost' to='push.localhost'><secret>text</secret></iq>",
) as Element;

it('answers with the identical id and with the addresses swapped', () => {
  expect(resultOf(iq, xml('q', { xmlns: 'x' })).toString()).toBe(
    '<iq type="result" id="a/+=:&amp;&lt;" from="push.localhost" to="localhost"><q xmlns="x"/></iq>',
  );
});

it('writes the payload of an error before the error', () => {
  const error = errorOf(iq, { type: 'modify', condition: 'not-acceptable', payload: xml('q', { xmlns: 'x' }) });
  expect(childElements(error).map(({ name }) => name)).toEqual(['q', 'error']);
});

it('writes an error with its pubsub condition, without repeating the request', () => {
  const error = errorOf(iq, { type: 'cancel', condition: 'conflict', pubsub: 'precondition-not-met', text: 'why' });
  expect(childElements(error).map(String)).toEqual([
    '<error type="cancel"><conflict xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/>' +
      '<text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas" xml:lang="en">why</text>' +
      '<precondition-not-met xmlns="http://jabber.org/protocol/pubsub#errors"/></error>',
  ]);
});
