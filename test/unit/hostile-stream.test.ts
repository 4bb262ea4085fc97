// What an XMPP server, or a user behind it, may send to the gateway: split at any byte, malformed, mutated or too large.
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { createAcceptPush } from '@pushmesh/acceptance';
import { createLog, createMetrics } from '@pushmesh/telemetry';
import { createComponentResource } from '../../services/gateway/src/component.ts';
import { createRequestHandler } from '../../services/gateway/src/flow/handle-request.ts';
import { startScriptedServer } from '../../libs/xmpp/testing/scripted-server.ts';
import { gatewayMetrics } from '../../services/gateway/src/metrics.ts';

const folder = new URL('../stanzas/', import.meta.url);
/** Every captured stanza, as text. */
const captured = readdirSync(folder)
  .filter((name) => name.endsWith('.xml') && !/handshake|stream-errors/.test(name))
  .flatMap((name) => readFileSync(new URL(name, folder), 'utf8').split(/<!--.*?-->/s))
  .map((part) => part.trim())
  .filter((part) => part.startsWith('<'));

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** The gateway's real stream, intake and answers, without pubsub-push: every publish is stored unverified. */
const startGateway = async (natsIsReady: Promise<void> = Promise.resolve()) => {
  const server = await startScriptedServer('s3cr3t');
  const bus = {
    request: () => Promise.resolve({ type: 'timeout' as const }),
    publish: () => Promise.resolve({ type: 'stored' as const }),
    ready: () => natsIsReady,
    lease: () => {
      throw new Error('a shared stream needs no lease');
    },
  };
  const resource = createComponentResource(
    {
      name: 'push.localhost',
      service: server.service,
      secret: 's3cr3t',
      roles: ['app-server', 'xmpp-server'],
      stream: 'shared',
    },
    {
      bus,
      handleRequest: createRequestHandler({
        bus,
        acceptPush: createAcceptPush({
          bus,
          clock: Date.now,
          defaultTtlMs: 60_000,
          maxPayloadBytes: 60_000,
          onUnverified: () => {},
        }),
      }),
      maxInFlight: 100,
      maxStanzaBytes: 262_144,
      log: createLog('gateway', 'silent'),
      metrics: createMetrics('gateway').add(gatewayMetrics),
      reconnectCapMs: 20,
      passMs: 20_000,
    },
  );
  cleanups.push(() => server.close(), resource.stop);
  await resource.start();
  return { server, resource };
};

const ping = (id: string) =>
  `<iq type='get' id='${id}' from='a@localhost/r' to='push.localhost'><ping xmlns='urn:xmpp:ping'/></iq>`;
const publish = (id: string) =>
  `<iq type='set' id='${id}' from='localhost' to='push.localhost'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='ü😀'><item>` +
  "<notification xmlns='urn:xmpp:push:0'><x xmlns='jabber:x:data' type='form'><field var='last-message-body'><value>é &amp; 😀</value></field></x></notification></item></publish>" +
  "<publish-options><x xmlns='jabber:x:data'><field var='service'><value>fcm</value></field><field var='device'><value>t</value></field></x></publish-options></pubsub></iq>";

it('a publish split at any byte, even inside a character, is answered like a whole one', async () => {
  const { server } = await startGateway();
  const peer = await server.nextPeer();
  await peer.online;
  const bytes = Buffer.from(publish('id'));
  for (let at = 1; at < bytes.length; at += 1) {
    const whole = Buffer.from(publish(`id${at}`));
    peer.write(whole.subarray(0, at));
    // A turn of the event loop between the halves sends them in two packets.
    if (at % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
    peer.write(whole.subarray(at));
  }
  for (let at = 1; at < bytes.length; at += 1) {
    const answer = await peer.nextStanza();
    expect([answer.attrs['id'], answer.attrs['type']]).toEqual([`id${at}`, 'result']);
  }
  expect(server.connections()).toBe(1);
});

it.each([
  ['the end of the stream', '</stream:stream>'],
  ['a wrong end tag', '<iq><a></iq>'],
  ['a document type with an entity', '<!DOCTYPE x [<!ENTITY a "b">]>'],
  ['a processing instruction', "<?php echo 'x' ?>"],
  ['an undeclared entity', "<iq type='get' id='&bogus;'/>"],
  ['a duplicate attribute', "<iq a='1' a='2'/>"],
  ['a stanza that never ends', `<message>${'x'.repeat(5_000_000)}`],
  ['an attribute that never ends', `<iq id='${'y'.repeat(5_000_000)}`],
  ['a control character', '<message>\u0000</message>'],
])('after %s the gateway reconnects and answers', async (_what, raw) => {
  const { server } = await startGateway();
  const broken = await server.nextPeer();
  await broken.online;
  broken.write(raw);
  await broken.closed;
  const peer = await server.nextPeer();
  await peer.online;
  peer.write(ping('after'));
  expect((await peer.nextStanza()).attrs['id']).toBe('after');
});

it('octets that are not UTF-8 do no harm', async () => {
  const { server } = await startGateway();
  const peer = await server.nextPeer();
  await peer.online;
  peer.write(Buffer.concat([Buffer.from('<message>'), Buffer.from([0xff, 0xfe, 0xc3]), Buffer.from('</message>')]));
  peer.write(ping('after'));
  expect((await peer.nextStanza()).attrs['id']).toBe('after');
});

it('a stanza over a limit gets an error that costs no registration, and the stream survives', async () => {
  const { server } = await startGateway();
  const peer = await server.nextPeer();
  await peer.online;
  const deep = '<a>'.repeat(200) + '</a>'.repeat(200);
  const wide = Array.from({ length: 200 }, (_, index) => `a${index}='x'`).join(' ');
  peer.write(`<iq type='set' id='deep' from='a@localhost' to='push.localhost'>${deep}</iq>`);
  peer.write(`<iq type='set' id='wide' from='a@localhost' to='push.localhost'><b ${wide}/></iq>`);
  // Such an id gets no answer: repeating it could cost the gateway its stream.
  for (const length of [5_000, 300_000])
    peer.write(`<iq type='get' id='${'"'.repeat(length)}' from='a@localhost' to='push.localhost'><a/></iq>`);
  peer.write(
    `<iq type='set' id='large' from='a@localhost' to='push.localhost'>${'x'.repeat(300_000)}</iq>${ping('after')}`,
  );
  for (const [id, type] of [
    ['deep', 'error'],
    ['wide', 'error'],
    ['large', 'error'],
    ['after', 'result'],
  ]) {
    const answer = await peer.nextStanza();
    expect([answer.attrs['id'], answer.attrs['type']]).toEqual([id, type]);
  }
  expect(server.connections()).toBe(1);
});

it('the gateway survives any mutation of a real stanza', { timeout: 60_000 }, async () => {
  const { server } = await startGateway();
  let peer = await server.nextPeer();
  await peer.online;
  const mutation = fc.record({
    stanza: fc.constantFrom(...captured),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.integer({ min: 0, max: 40 }),
    instead: fc.constantFrom(
      '',
      '<',
      '>',
      "'",
      '&',
      "xmlns=''",
      "type='get'",
      '<iq/>',
      '</iq>',
      'ü',
      '\u0001',
      "id=''",
    ),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 20 }), async (mutations) => {
      for (const { stanza, at, length, instead } of mutations) {
        const from = Math.floor(at * stanza.length);
        peer.write(stanza.slice(0, from) + instead + stanza.slice(from + length));
      }
      // Closes whatever the last mutation left open: a tag, an entity, a CDATA section or a comment.
      peer.write(';]]>--></stream:stream>');
      await peer.closed;
      peer = await server.nextPeer();
      await peer.online;
      peer.write(ping('after'));
      expect((await peer.nextStanza()).attrs['id']).toBe('after');
    }),
    { numRuns: 40 },
  );
});

it('opens no stream before NATS is ready: every publish would be answered `wait`', async () => {
  const nats = Promise.withResolvers<void>();
  const { server, resource } = await startGateway(nats.promise);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect([server.connections(), resource.missing()]).toEqual([0, expect.stringContaining('not started')]);
  nats.resolve();
  await (
    await server.nextPeer()
  ).online;
  await expect.poll(resource.missing).toBeUndefined();
});
