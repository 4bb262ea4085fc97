import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { deviceOf } from '@pushmesh/contracts';
import { childElements, parseStanza } from '@pushmesh/xmpp';
import type { Element } from '@pushmesh/xmpp';
import { readStanza } from '../../services/gateway/src/domain/read-stanza.ts';
import { roles } from '../../services/gateway/src/config.ts';

const folder = new URL('../stanzas/', import.meta.url);

/** The stanzas of a capture, without stream headers and handshakes. */
const stanzasIn = (file: string): Element[] => {
  const parts = readFileSync(new URL(file, folder), 'utf8')
    .split(/<!--.*?-->/s)
    .filter((part) => /^\s*<(iq|message|presence)[ >]/.test(part));
  const all = parseStanza(`<all>${parts.join('')}</all>`);
  if (all instanceof Error) throw new Error(`${file}: ${all.message}`);
  return childElements(all);
};

const files = readdirSync(folder).filter((name) => name.endsWith('.xml'));
const toComponent = (stanza: Element) => stanza.attrs['to'] === 'push.localhost';

/** How the gateway reads stanzas to the component, by name of the capture. It does not support delegation (XEP-0355). */
const readings: readonly (readonly [reading: object, files: RegExp])[] = [
  [{ kind: 'publish' }, /-publish-/],
  [{ kind: 'create-node' }, /-pubsub-create-/],
  [{ kind: 'disco-info' }, /-delegation-disco-/],
  [{ kind: 'unknown' }, /-delegated-/],
  [{ ignored: 'reply' }, /-roster-get|-privileged-iq/],
  [{ ignored: 'presence' }, /-privilege-presence/],
  [{ ignored: 'message' }, /-advertise|-relay-module-|-offline-event|-log-forward/],
];

it.each(files.filter((name) => stanzasIn(name).some(toComponent)))('%s is read as what it is', (file) => {
  const expected = readings.filter(([, names]) => names.test(file));
  expect(expected).toHaveLength(1);
  for (const [reading] of expected)
    for (const stanza of stanzasIn(file).filter(toComponent)) expect(readStanza(stanza, roles)).toMatchObject(reading);
});

it.each(files.filter((name) => /-publish-|-publish\./.test(name)))(
  '%s: every publish of a real server is understood',
  (file) => {
    const publishes = stanzasIn(file).filter(toComponent);
    expect(publishes.length).toBeGreaterThan(0);
    for (const stanza of publishes) {
      const read = readStanza(stanza, roles);
      expect(read).toMatchObject({ kind: 'publish', request: { type: 'publish', publisher: 'localhost' } });
      if (!('request' in read) || read.request.type !== 'publish') throw new Error('not a publish');
      const { payload, options } = read.request;
      expect(payload).toMatchObject({ summary: {} });
      if (options === 'too-large') throw new Error('no real options are too large');
      // Two captures have no usable form on purpose; all others name a device.
      const namesDevice = !/without-publish-options|odd-form/.test(file);
      expect('deviceId' in deviceOf(options)).toBe(namesDevice);
    }
  },
);

it('text from Prosody with a line break, entities and an emoji arrives intact', () => {
  const [stanza] = stanzasIn('prosody-publish-with-sender-and-body.xml');
  const read = stanza && readStanza(stanza, roles);
  expect(read).toMatchObject({
    request: {
      node: 'nF',
      payload: {
        summary: {
          messageCount: 1,
          lastMessageSender: 'bob@localhost/lab',
          lastMessageBody: 'héllo 😀 <b> & \'q\' "dq"\nline2',
        },
      },
      options: { service: 'fcm', device: 'fcmtok:APA91b', mode: 'dev', click_action: 'open_chat' },
    },
  });
});

it('the create of the guide is understood as either server forwards it', () => {
  for (const file of ['prosody-pubsub-create-type-push.xml', 'ejabberd-pubsub-create-type-push.xml']) {
    const stanza = stanzasIn(file).find(toComponent);
    expect(stanza && readStanza(stanza, roles)).toEqual({
      kind: 'create-node',
      request: { type: 'create-node', node: 'princely_musings', owner: 'alice@localhost' },
    });
  }
});
