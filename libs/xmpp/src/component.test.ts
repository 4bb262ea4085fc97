import { Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { connectComponent, type ComponentOptions, type DownReason, type StreamState } from './component.ts';
import { startScriptedServer, type ScriptedServer } from '../testing/scripted-server.ts';
import { xml, type Element } from './xml.ts';

const secret = 's3crét';
const domain = 'push.example';
const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const startServer = async (): Promise<ScriptedServer> => {
  const server = await startScriptedServer(secret);
  cleanups.push(server.close);
  return server;
};

/** Short waits, but long deadlines: on a slow machine no deadline may expire in a test that is not about it. */
const timing = { handshakeMs: 20_000, backoffBaseMs: 1, backoffCapMs: 20, stableMs: 20_000, lingerMs: 20_000 };

const connect = (server: ScriptedServer, options: Partial<ComponentOptions> = {}) => {
  const stanzas: Element[] = [];
  const states: { state: StreamState; reason?: DownReason | undefined }[] = [];
  const component = connectComponent({
    service: server.service,
    domain,
    secret,
    onStanza: (stanza) => stanzas.push(stanza),
    onState: (state, reason) => states.push({ state, reason }),
    ...options,
    timing: { ...timing, ...options.timing },
  });
  cleanups.push(() => component.stop(100));
  const reasons = () => states.flatMap(({ reason }) => (reason ? [reason] : []));
  return { component, stanzas, states, reasons };
};

/** A component that is online, and its only connection as the server sees it. */
const online = async (options: Partial<ComponentOptions> = {}) => {
  const server = await startServer();
  const connected = connect(server, options);
  const peer = await server.nextPeer();
  await peer.online;
  await eventually(() => expect(connected.component.state()).toBe('online'));
  return { server, peer, ...connected };
};

const eventually = <T>(check: () => T) => vi.waitFor(check, { timeout: 20_000, interval: 2 });

/** Waits long enough for something that must not happen to happen if the code is wrong. */
const passed = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const message = (body: string) => xml('message', { to: 'example' }, xml('body', {}, body));

const ids = (stanzas: readonly Element[]) => stanzas.map(({ attrs }) => attrs.id);

describe('the handshake', () => {
  it('goes online with a secret that is not Latin-1', async () => {
    const server = await startScriptedServer('пароль');
    cleanups.push(server.close);
    const { component, states } = connect(server, { secret: 'пароль' });
    await (
      await server.nextPeer()
    ).online;
    await eventually(() => expect(states).toEqual([{ state: 'online', reason: undefined }]));
    expect(component.state()).toBe('online');
  });

  it('hands out stanzas that arrive in the same packet as the answer', async () => {
    const server = await startServer();
    server.behave('header-only');
    const { stanzas, component } = connect(server);
    const peer = await server.nextPeer();
    await eventually(() => expect(peer.received()).toContain('</handshake>'));
    peer.write("<handshake/><iq id='1'/><message id='2'/>");
    await eventually(() => expect(ids(stanzas)).toEqual(['1', '2']));
    expect(component.state()).toBe('online');
  });

  it('refuses a service that is not an address', () => {
    const options = { domain, secret, onStanza: () => {} };
    expect(() => connectComponent({ ...options, service: 'localhost:5347' })).toThrow(TypeError);
  });
});

describe('the defects of @xmpp/component', () => {
  it('1: decodes characters that are split across packets', async () => {
    const { peer, stanzas } = await online();
    const bytes = Buffer.from('<message><body>Grüße 👍</body></message>');
    for (const byte of bytes) {
      peer.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => expect(stanzas[0]?.getChildText('body')).toBe('Grüße 👍'));
  });

  it('2: tries again if the server accepts the connection and then stays silent', async () => {
    const server = await startServer();
    server.behave('silent');
    const { component, reasons } = connect(server, { timing: { handshakeMs: 50 } });
    await (
      await server.nextPeer()
    ).closed;
    server.behave('header-only');
    await eventually(() => expect(server.connections()).toBeGreaterThan(3));
    expect(new Set(reasons().map(({ cause }) => cause))).toEqual(new Set(['timeout']));
    server.behave('handshake');
    await eventually(() => expect(component.state()).toBe('online'));
  });

  it('2: uses our own timeout and reconnection, not those of the library', async () => {
    const { server, peer, component } = await online();
    server.behave('header-only');
    peer.drop();
    const next = await server.nextPeer();
    // The library would reconnect after one second and give up after two.
    await passed(2_200);
    next.write('<handshake/>');
    await eventually(() => expect(component.state()).toBe('online'));
    expect(server.connections()).toBe(2);
  });

  it('2: does not cut a stream that is online', async () => {
    const { server, component } = await online({ timing: { handshakeMs: 100 } });
    const connections = server.connections();
    await passed(200);
    expect(component.state()).toBe('online');
    expect(server.connections()).toBe(connections);
  });

  it.each([
    ['a mismatched tag', '<iq></message>', 'not-well-formed'],
    ['a comment', '<!-- -->', 'restricted-xml'],
    ['a stanza that seems never to end', `<iq>${'a'.repeat(20_000)}`, 'policy-violation'],
  ])('3: answers %s with a stream error and reconnects', async (_what, raw, condition) => {
    const { server, peer, component, reasons } = await online({ limits: { maxStanzaBytes: 1000 } });
    peer.write(raw);
    await peer.closed;
    expect(peer.received()).toMatch(
      new RegExp(`<stream:error><${condition} xmlns="[a-z:-]+xmpp-streams"/></stream:error></stream:stream>$`),
    );
    await (
      await server.nextPeer()
    ).online;
    await eventually(() => expect(component.state()).toBe('online'));
    expect(reasons()).toMatchObject([{ cause: 'xml', text: expect.stringContaining(condition) }]);
  });

  it('3: survives data after the end of the stream', async () => {
    const { server, peer, component } = await online();
    peer.pauseReading();
    peer.write('</stream:stream>');
    await eventually(() => expect(component.state()).not.toBe('online'));
    // The peer has not yet read our end of the stream, so the connection still exists.
    peer.write('<iq>more</iq>');
    peer.resumeReading();
    await peer.closed;
    await (
      await server.nextPeer()
    ).online;
    await eventually(() => expect(component.state()).toBe('online'));
  });

  it.each(['not-authorized', 'host-unknown', 'conflict'])(
    '4: retries slowly after %s and reports why',
    async (condition) => {
      const server = await startServer();
      server.behave({ streamError: condition });
      const { component, reasons } = connect(server, {
        random: () => 0,
        timing: { backoffBaseMs: 0, backoffCapMs: 100 },
      });
      const start = performance.now();
      await eventually(() => expect(server.connections()).toBe(3));
      // Two waits of at least half the cap each; the exponential back-off would be zero here.
      expect(performance.now() - start).toBeGreaterThanOrEqual(98);
      expect(reasons()[0]).toEqual({ cause: 'refused', condition, text: condition });
      server.behave('handshake');
      await eventually(() => expect(component.state()).toBe('online'));
    },
  );

  it('4: keeps retrying after a wrong secret, without going online', async () => {
    const server = await startServer();
    const { component, reasons } = connect(server, { secret: 'wrong' });
    await eventually(() => expect(reasons().length).toBeGreaterThan(1));
    expect(reasons()[0]).toMatchObject({ cause: 'refused', text: 'not-authorized' });
    expect(component.state()).not.toBe('online');
  });

  it('4: keeps backing off after a stream that was online only briefly', async () => {
    const server = await startServer();
    const { component } = connect(server, { random: () => 1, timing: { backoffBaseMs: 1, backoffCapMs: 1e9 } });
    let failures = 0;
    let before = performance.now();
    while (failures < 6) {
      const peer = await server.nextPeer();
      await peer.online;
      await eventually(() => expect(component.state()).toBe('online'));
      peer.drop();
      before = performance.now();
      failures += 1;
    }
    await server.nextPeer();
    expect(performance.now() - before).toBeGreaterThanOrEqual(31);
  });

  it('5: returns offline instead of throwing while there is no stream', async () => {
    const { server, peer, component } = await online();
    await server.refuse();
    await peer.closed;
    await eventually(() => expect(component.state()).not.toBe('online'));
    expect(component.send(message('lost'))).toBe('offline');
  });

  it('6: answers nothing itself and withholds nothing: every stanza is handed out', async () => {
    const { peer, component, stanzas } = await online();
    for (const type of ['get', 'set', 'result', 'error'])
      peer.send(xml('iq', { type, id: type, from: 'user@example', to: domain }, xml('unknown', { xmlns: 'x' })));
    await eventually(() => expect(ids(stanzas)).toEqual(['get', 'set', 'result', 'error']));
    component.send(message('the first'));
    expect((await peer.nextStanza()).getChildText('body')).toBe('the first');
  });

  it('7: reads nothing more while paused, not even on the next connection', async () => {
    const { server, peer, component, stanzas, reasons } = await online();
    component.pause();
    peer.drop();
    // A paused socket does not notice that the connection is gone; a write does.
    await eventually(() => {
      component.send(message('x'));
      expect(reasons()).toHaveLength(1);
    });
    const next = await server.nextPeer();
    await next.online;
    await eventually(() => expect(component.state()).toBe('online'));
    const seen = stanzas.length;
    const flood = `<message><body>${'x'.repeat(10_000)}</body></message>`;
    for (let i = 0; i < 100; i += 1) next.write(flood);
    component.send(message('a round trip'));
    await next.nextStanza();
    // Only what arrived in the packet of the handshake may have been read.
    expect(stanzas.length - seen).toBeLessThan(10);
    component.resume();
    await eventually(() => expect(stanzas.length - seen).toBe(100));
  });

  it('7: reports congestion, stops reading, and resumes when the peer reads again', async () => {
    const { peer, component, stanzas, reasons } = await online({ highWaterBytes: 100_000, maxQueuedBytes: 1e9 });
    peer.pauseReading();
    const body = 'x'.repeat(100_000);
    let sent = 0;
    await eventually(() => {
      sent += 1;
      expect(component.send(message(body))).toBe('congested');
    });
    peer.write("<iq id='question'/>");
    await passed(100);
    expect(ids(stanzas)).not.toContain('question');
    peer.resumeReading();
    await eventually(() => expect(ids(stanzas)).toContain('question'));
    for (let i = 0; i < sent; i += 1) await peer.nextStanza();
    expect(component.send(message('small'))).toBe('sent');
    expect(reasons()).toEqual([]);
  });

  it('7: cuts a stream that would exceed the bound on queued bytes', async () => {
    const { peer, component, reasons } = await online({ highWaterBytes: 10_000, maxQueuedBytes: 100_000 });
    peer.pauseReading();
    const body = 'x'.repeat(10_000);
    await eventually(() => expect(component.send(message(body))).toBe('offline'));
    expect(reasons()[0]).toMatchObject({ cause: 'stalled' });
  });

  it('7: cuts a stream that stays congested', async () => {
    const { peer, component, reasons } = await online({
      highWaterBytes: 10_000,
      maxQueuedBytes: 1e9,
      timing: { stallMs: 50 },
    });
    peer.pauseReading();
    const body = 'x'.repeat(100_000);
    await eventually(() => expect(component.send(message(body))).toBe('congested'));
    for (let i = 0; i < 100; i += 1) component.send(message(body));
    await eventually(() => expect(reasons()[0]).toMatchObject({ cause: 'stalled' }));
  });

  it('8: does not accumulate keep-alives', async () => {
    const { peer, component, stanzas, reasons } = await online({ limits: { maxStanzaBytes: 1000 } });
    for (let i = 0; i < 100; i += 1) peer.write(' '.repeat(100));
    peer.write('<message/>');
    await eventually(() => expect(stanzas).toHaveLength(1));
    expect(stanzas[0]?.parent).toBeNull();
    expect(component.state()).toBe('online');
    expect(reasons()).toEqual([]);
  });

  it('9: goes online after a first attempt that was refused', async () => {
    const server = await startServer();
    await server.refuse();
    const { component, reasons } = connect(server);
    await eventually(() => expect(reasons()[0]).toEqual({ cause: 'socket', text: 'ECONNREFUSED' }));
    await server.listen();
    await eventually(() => expect(component.state()).toBe('online'));
  });
});

describe('sending', () => {
  it('fills in from, and refuses what would make the server close the stream', async () => {
    const { peer, component } = await online();
    expect(component.send(xml('message', { to: 'a', from: 'elsewhere.example' }))).toBe('invalid');
    expect(component.send(xml('message', { to: 'a', from: `x@sub.${domain}` }))).toBe('invalid');
    expect(component.send(xml('message', {}))).toBe('invalid');
    expect(component.send(xml('message', { to: 'a', from: `x@${domain.toUpperCase()}/y@z` }))).toBe('sent');
    expect(component.send(xml('message', { to: 'b' }))).toBe('sent');
    expect((await peer.nextStanza()).attrs).toEqual({ to: 'a', from: `x@${domain.toUpperCase()}/y@z` });
    expect((await peer.nextStanza()).attrs).toEqual({ to: 'b', from: domain });
  });

  it('writes the stanzas of one turn at once', async () => {
    const { peer, component } = await online();
    const write = vi.spyOn(Socket.prototype, 'write');
    for (let i = 0; i < 100; i += 1) component.send(message(`${i}`));
    for (let i = 0; i < 100; i += 1) expect((await peer.nextStanza()).getChildText('body')).toBe(`${i}`);
    expect(write).toHaveBeenCalledOnce();
    write.mockRestore();
  });
});

describe('receiving', () => {
  it('carries on after a handler throws', async () => {
    const errors: unknown[] = [];
    const { peer, stanzas } = await online({
      onStanza: (stanza) => {
        if (stanza.name === 'message') throw new Error('a bug');
        stanzas.push(stanza);
      },
      onHandlerError: (error) => errors.push(error),
    });
    peer.write("<message/><iq id='1'/>");
    await eventually(() => expect(ids(stanzas)).toEqual(['1']));
    expect(errors).toEqual([new Error('a bug')]);
  });

  it('skips a stanza over a limit, and stays online', async () => {
    const heads: string[] = [];
    const { peer, stanzas, component } = await online({
      limits: { maxDepth: 10 },
      onRefused: (head, error) => heads.push(`${head.attrs.id} ${error.condition}`),
    });
    peer.write(`<message id='deep'>${'<a>'.repeat(1000)}${'</a>'.repeat(1000)}</message><iq id='2'/>`);
    await eventually(() => expect(ids(stanzas)).toEqual(['2']));
    expect(heads).toEqual(['deep policy-violation']);
    expect(component.state()).toBe('online');
  });

  it('does not follow see-other-host', async () => {
    const { server, peer, component, reasons } = await online();
    const other = await startServer();
    const host = other.service.replace('xmpp://', '');
    peer.write(
      `<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>${host}</see-other-host></stream:error>`,
    );
    await (
      await server.nextPeer()
    ).online;
    await eventually(() => expect(component.state()).toBe('online'));
    expect(other.connections()).toBe(0);
    expect(reasons()).toMatchObject([{ cause: 'stream-error', condition: 'see-other-host' }]);
  });

  it('reconnects when the server closes the stream', async () => {
    const { server, peer, component, reasons } = await online();
    peer.end();
    await (
      await server.nextPeer()
    ).online;
    await eventually(() => expect(component.state()).toBe('online'));
    expect(reasons()[0]).toMatchObject({ cause: 'closed' });
    expect(peer.received()).toMatch(/<\/stream:stream>$/);
  });
});

describe('stopping', () => {
  it('writes what is queued, closes the stream, and resolves when the server has closed too', async () => {
    const { peer, component, states } = await online();
    component.send(message('last words'));
    await Promise.all([component.stop(20_000), component.stop(20_000)]);
    expect(peer.received()).toMatch(/last words<\/body><\/message><\/stream:stream>$/);
    expect(states.map(({ state }) => state)).toEqual(['online', 'stopped']);
    expect(component.send(message('too late'))).toBe('offline');
    await peer.closed;
  });

  it('waits no longer than the deadline for a server that does not close', async () => {
    const { peer, component, server } = await online();
    peer.pauseReading();
    await component.stop(50);
    expect(component.state()).toBe('stopped');
    expect(server.connections()).toBe(1);
  });

  it('stops while paused', async () => {
    const { peer, component } = await online();
    component.pause();
    for (let i = 0; i < 100; i += 1) peer.send(message('x'.repeat(10_000)));
    await component.stop(20_000);
    // There was no reset, which would have kept the server from reading our end of the stream.
    await eventually(() => expect(peer.received()).toMatch(/<\/stream:stream>$/));
  });

  it('hands out what was in transit when it closed the stream', async () => {
    const { peer, component, stanzas } = await online();
    component.pause();
    for (let i = 0; i < 100; i += 1) peer.send(message(`${i} ${'x'.repeat(10_000)}`));
    await component.stop(20_000);
    expect(stanzas).toHaveLength(100);
    expect(stanzas.at(-1)?.getChildText('body')).toMatch(/^99 x/);
  });

  it('stops while connecting and while waiting', async () => {
    const server = await startServer();
    server.behave('silent');
    const opening = connect(server);
    await server.nextPeer();
    await opening.component.stop(20_000);
    await server.refuse();
    const waiting = connect(server, { timing: { backoffBaseMs: 1e9, backoffCapMs: 1e9 } });
    await eventually(() => expect(waiting.component.state()).toBe('waiting'));
    await waiting.component.stop(20_000);
    expect([opening.component.state(), waiting.component.state()]).toEqual(['stopped', 'stopped']);
  });
});
