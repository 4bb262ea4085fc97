import { expect, it } from 'vitest';
import { hintOf } from './stream-hints.ts';

const shared = { name: 'push.a', stream: 'shared' } as const;
const exclusive = { name: 'push.a', stream: 'exclusive' } as const;
const refused = (condition: string) => ({ cause: 'refused', condition, text: condition }) as const;

it.each([
  [refused('not-authorized'), shared, /XMPP_COMPONENT_SECRET.* push\.a /],
  [refused('host-unknown'), shared, /push\.a .*XMPP_COMPONENTS.*XMPP_SERVICE.*5347/],
  [refused('conflict'), shared, /XMPP_STREAM=exclusive$/],
  [refused('conflict'), exclusive, /not a gateway with XMPP_STREAM=exclusive/],
  [refused('invalid-namespace'), shared, /XMPP_SERVICE.*5347/],
  [{ cause: 'timeout', text: 'not online in time' }, shared, /XMPP_SERVICE.*5347/],
  [{ cause: 'xml', text: 'not-well-formed' }, shared, /XMPP_SERVICE.*5347/],
] as const)('%j names the settings to correct', (reason, component, hint) => {
  expect(hintOf(reason, component, false)).toMatch(hint);
});

it('says nothing about a failure that no setting causes', () => {
  expect(hintOf({ cause: 'socket', text: 'ECONNREFUSED' }, shared, false)).toBeUndefined();
  expect(hintOf({ cause: 'xml', text: 'not-well-formed' }, shared, true)).toBeUndefined();
  expect(hintOf(refused('constructor-less'), shared, true)).toBeUndefined();
});
