import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { serialise, StreamParser, type Element } from '../src/xml.ts';

/**
 * What the server does with a connection: the handshake of XEP-0114, nothing at all after the TCP accept, the stream
 * header but no answer to the handshake, or a stream error instead of that answer.
 */
export type Behaviour = 'handshake' | 'silent' | 'header-only' | { readonly streamError: string };

/** One connection as the server sees it. */
export type ScriptedPeer = {
  /** Resolves when a correct handshake has been answered. */
  readonly online: Promise<void>;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
  /** Writes raw characters or bytes, one chunk per call. */
  write(raw: string | Buffer): void;
  send(stanza: Element): void;
  /** The oldest stanza not yet taken; waits if there is none. */
  nextStanza(): Promise<Element>;
  /** Everything received, including the stream header. */
  received(): string;
  pauseReading(): void;
  resumeReading(): void;
  /** Sends `</stream:stream>` and closes. */
  end(): void;
  /** Resets the connection. */
  drop(): void;
};

/** An XMPP server reduced to its component port, scripted by the test. */
export type ScriptedServer = {
  /** `xmpp://127.0.0.1:port` */
  readonly service: string;
  /** Applies to new connections. */
  behave(behaviour: Behaviour): void;
  /** The oldest connection not yet taken; waits if there is none. */
  nextPeer(): Promise<ScriptedPeer>;
  /** The number of connections so far. */
  connections(): number;
  /** Resets every connection and refuses new ones, until {@link ScriptedServer.listen}. */
  refuse(): Promise<void>;
  listen(): Promise<void>;
  close(): Promise<void>;
};

/** Starts a server on a free loopback port. */
export const startScriptedServer = async (secret: string): Promise<ScriptedServer> => {
  const peers = queue<ScriptedPeer>();
  const sockets = new Set<Socket>();
  let behaviour: Behaviour = 'handshake';
  let connections = 0;
  let port = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    peers.put(serve(socket, secret, behaviour));
  });
  const listen = async () => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  };
  const refuse = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.resetAndDestroy();
    await closed;
  };
  await listen();

  return {
    service: `xmpp://127.0.0.1:${port}`,
    behave(next) {
      behaviour = next;
    },
    nextPeer: peers.take,
    connections: () => connections,
    refuse,
    listen,
    close: refuse,
  };
};

const serve = (socket: Socket, secret: string, behaviour: Behaviour): ScriptedPeer => {
  const id = randomUUID();
  const stanzas = queue<Element>();
  const online = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  let received = '';

  const parser = new StreamParser();
  parser.on('start', ({ attrs }) => {
    if (behaviour === 'silent') return;
    socket.write(
      `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' ` +
        `xmlns:stream='http://etherx.jabber.org/streams' id='${id}' from='${attrs.to}'>`,
    );
  });
  parser.on('element', (element) => {
    if (element.name !== 'handshake') return stanzas.put(element);
    if (behaviour === 'header-only') return;
    const expected = createHash('sha1').update(`${id}${secret}`, 'utf8').digest('hex');
    if (typeof behaviour === 'object') return endWith(streamError(behaviour.streamError));
    if (element.getText() !== expected) return endWith(streamError('not-authorized'));
    socket.write('<handshake/>');
    online.resolve();
  });
  parser.on('end', () => endWith(''));

  const endWith = (lastWords: string) => {
    if (socket.writable) socket.end(`${lastWords}</stream:stream>`);
  };
  socket.on('data', (data) => {
    received += data.toString();
    parser.write(data.toString());
  });
  socket.on('error', () => {});
  socket.on('close', () => closed.resolve());

  return {
    online: online.promise,
    closed: closed.promise,
    write: (raw) => void socket.write(raw),
    send: (stanza) => void socket.write(serialise(stanza)),
    nextStanza: stanzas.take,
    received: () => received,
    pauseReading: () => void socket.pause(),
    resumeReading: () => void socket.resume(),
    end: () => endWith(''),
    drop: () => void socket.resetAndDestroy(),
  };
};

const streamError = (condition: string) =>
  `<stream:error><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`;

const queue = <T>() => {
  const items: T[] = [];
  const takers: ((item: T) => void)[] = [];
  return {
    put(item: T) {
      const taker = takers.shift();
      if (taker) taker(item);
      else items.push(item);
    },
    take: (): Promise<T> =>
      new Promise((resolve) => {
        const item = items.shift();
        if (item === undefined) takers.push(resolve);
        else resolve(item);
      }),
  };
};
