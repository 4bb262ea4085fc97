import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bareJid, parseJid } from './jid.ts';

it.each([
  ['alice@localhost/phone', { local: 'alice', domain: 'localhost', resource: 'phone' }],
  ['localhost', { domain: 'localhost' }],
  ['Alice@Example.ORG', { local: 'alice', domain: 'example.org' }],
  ['room@conf.example/nick with/slash@at', { local: 'room', domain: 'conf.example', resource: 'nick with/slash@at' }],
  ['example.org.', { domain: 'example.org' }],
  ['[::1]', { domain: '[::1]' }],
])('%s is a JID', (text, jid) => {
  expect(parseJid(text)).toEqual(jid);
});

it.each(['', '@', '@@', 'a@', '@b', 'a@b/', 'a b@c', 'a@b c', 'a@b@c', `${'x'.repeat(1024)}@b`, 'a\u0000@b'])(
  '%j is not a JID',
  (text) => {
    expect(parseJid(text)).toBeUndefined();
  },
);

it('never throws, and a bare JID parses to itself', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const jid = parseJid(text);
      if (jid) expect(bareJid(parseJid(bareJid(jid)) ?? jid)).toBe(bareJid(jid));
    }),
  );
});
