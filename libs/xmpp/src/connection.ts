import { component, type Entity } from '@xmpp/component';
import { openOutbox } from './outbox.ts';
import { serialise, StreamParser, xml, type Element, type ParserLimits, type XmlError } from './xml.ts';

/** Why a stream is not, or no longer, usable: `cause` for metrics, `text` for the log. */
export type DownReason = {
  /**
   * `refused`: the server does not want this component (wrong name or secret, name in use); `stream-error`: another
   * stream error of the server's; `xml`: it sent what we refuse; `timeout`: not online in time; `stalled`: it does not
   * read; `closed`: one side closed the stream or the connection; `socket`: the connection failed.
   */
  readonly cause: 'refused' | 'stream-error' | 'xml' | 'timeout' | 'stalled' | 'closed' | 'socket';
  readonly text: string;
  /** Of the server’s stream error (RFC 6120 §4.9.3). */
  readonly condition?: string;
};

export type ConnectionOptions = {
  readonly service: string;
  readonly address: { readonly host: string; readonly port: number };
  readonly domain: string;
  readonly secret: string;
  readonly limits: ParserLimits;
  /** Milliseconds from the first packet to the accepted handshake. */
  readonly handshakeMs: number;
  /** Milliseconds that the peer gets to read our last words. */
  readonly lingerMs: number;
  /** Milliseconds that the peer may leave more than `highWaterBytes` unread. */
  readonly stallMs: number;
  readonly highWaterBytes: number;
  readonly maxQueuedBytes: number;
  readonly onOnline: () => void;
  /** Also for what was on its way to us when we closed the stream, which can no longer be answered. */
  readonly onStanza: (stanza: Element) => void;
  readonly onRefused: (head: Element, error: XmlError) => void;
  /** Nothing can be sent any more, and unless we closed the stream nothing is received. Called once. */
  readonly onDown: (reason: DownReason) => void;
  /** The socket is gone as well, so that the server gives the name free. Called once, after `onDown`. */
  readonly onClosed: () => void;
};

export type Connection = {
  send(text: string): 'sent' | 'congested' | 'offline';
  /** Whether to read from the socket; what has been read already is still handed out. */
  setReading(isWanted: boolean): void;
  /** Closes the stream, then the socket (RFC 6120 §4.4); by force after the given milliseconds. */
  close(deadlineMs: number): void;
};

const keepAliveMs = 30_000;
const streamsNamespace = 'http://etherx.jabber.org/streams';
const streamErrorNamespace = 'urn:ietf:params:xml:ns:xmpp-streams';
/** RFC 6120 §4.9.3: what trying again soon does not change. `conflict` also comes when another gateway took the name. */
const refusals = new Set(['not-authorized', 'host-unknown', 'host-gone', 'conflict']);

/**
 * One XEP-0114 stream, from the first packet to the last. Every attempt gets an entity of `@xmpp/component` of its own:
 * the lib goes on closing an old stream for as long as its timeout, and in a reused entity it would end the new socket.
 */
export const openConnection = (options: ConnectionOptions): Connection => {
  const entity = createEntity(options);
  let phase: 'opening' | 'online' | 'down' = 'opening';
  let isClosedByUs = false;
  let isReadingWanted = true;
  let linger: NodeJS.Timeout | undefined;

  const applyReading = () => {
    if (phase !== 'online') return;
    // While the peer does not take our answers we take no more of its questions.
    if (isReadingWanted && !outbox.isCongested()) entity.socket?.resume();
    else entity.socket?.pause();
  };
  const outbox = openOutbox({
    ...options,
    write: (data) => entity.write(data),
    unsentBytes: () => entity.socket?.writableLength ?? 0,
    onCongestionChange: applyReading,
    onStalled: () => down({ cause: 'stalled', text: 'the peer does not read' }),
  });
  // The lib waits for each step alone, gives up silently, and leaves the socket open.
  const watchdog = setTimeout(
    () => down({ cause: 'timeout', text: `not online within ${options.handshakeMs} ms` }),
    options.handshakeMs,
  );

  const lingerFor = (ms: number) => {
    clearTimeout(linger);
    linger = setTimeout(() => entity.socket?.destroy(), ms);
  };

  /** Ends the stream: at once, or after last words that the peer gets some time to read. */
  const down = (reason: DownReason, lastWords?: string, how: 'write' | 'end' = 'end', lingerMs = options.lingerMs) => {
    if (phase === 'down') return;
    phase = 'down';
    clearTimeout(watchdog);
    const unwritten = outbox.close();
    const socket = entity.socket;
    if (lastWords === undefined || !socket || socket.connecting) {
      socket?.destroy();
    } else {
      // What we leave unread turns the close into a reset, and the peer would lose the last words.
      socket.resume();
      socket[how](unwritten + lastWords);
      lingerFor(lingerMs);
    }
    options.onDown(reason);
  };

  entity.on('error', (error: NodeJS.ErrnoException) => down({ cause: 'socket', text: error.code ?? error.message }));
  // `close` is the end of the peer's stream, `disconnect` that of the socket.
  entity.on('close', () => {
    if (phase === 'down') entity.socket?.end();
    else down({ cause: 'closed', text: 'the peer closed the stream' }, entity.footer());
  });
  entity.on('disconnect', () => {
    down({ cause: 'closed', text: 'the connection was closed' });
    clearTimeout(linger);
    options.onClosed();
  });

  // The lib answers `bad-format` to everything.
  entity._onParserError = (error) => {
    const streamError = xml('stream:error', {}, xml(error.condition, { xmlns: streamErrorNamespace }));
    down({ cause: 'xml', text: `${error.condition}: ${error.message}` }, serialise(streamError) + entity.footer());
  };
  // The lib follows `see-other-host` with our secret to wherever it points. And it notices the handshake some ticks
  // late, when stanzas of the same packet are lost: Prosody asks for what is delegated there, and asks only once.
  entity._onElement = (element) => {
    if (phase === 'down' && !isClosedByUs) return;
    if (element.is('error', streamsNamespace)) {
      down(toDownReason(element), entity.footer());
    } else if (phase === 'online' || isClosedByUs) {
      options.onStanza(element);
    } else if (element.name === 'handshake') {
      entity.emit('element', element);
      phase = 'online';
      clearTimeout(watchdog);
      applyReading();
      options.onOnline();
    }
  };

  entity
    .connect(options.service)
    .then(() => entity.open({ domain: options.domain }))
    .catch((error: Error) => down({ cause: 'socket', text: error.message }));

  return {
    send: (text) => (phase === 'online' ? outbox.send(text) : 'offline'),
    setReading(isWanted) {
      isReadingWanted = isWanted;
      applyReading();
    },
    close(deadlineMs) {
      if (phase === 'down') return lingerFor(deadlineMs);
      const isOnline = phase === 'online';
      isClosedByUs = isOnline;
      // The peer still has to read the end of the stream and to answer it, so the socket stays open both ways.
      down({ cause: 'closed', text: 'closed by us' }, isOnline ? entity.footer() : undefined, 'write', deadlineMs);
    },
  };
};

/** The lib's component without the parts that we do ourselves: reconnecting, middleware, IQ replies, parsing. */
const createEntity = (options: ConnectionOptions): Entity => {
  const entity = component({
    service: options.service,
    domain: options.domain,
    // XEP-0114 §3 hashes UTF-8, the lib hashes Latin-1: each byte goes in as a character of its own.
    password: Buffer.from(options.secret).toString('latin1'),
  });
  entity.reconnect.stop();
  // Its middleware listens here, and the iq-callee behind it answers `cancel` to every request.
  entity.removeAllListeners('element');
  // No timers of the lib's: they cannot be cleared, and the watchdog covers all of them.
  entity.timeout = 0;
  // The lib leaves IPv6 addresses in brackets.
  entity.socketParameters = () => options.address;
  entity.Parser = class extends StreamParser {
    constructor() {
      super(options.limits);
      this.on('refused', options.onRefused);
    }
  };
  entity.on('connect', () => {
    // The lib decodes every chunk alone, which breaks a character that is split over two.
    entity.socket?.setEncoding('utf8').setNoDelay(true).setKeepAlive(true, keepAliveMs);
  });
  // The lib writes to a parser that it has dropped, when data follows the end of the stream.
  entity._onData = (text) => entity.parser?.write(text);
  return entity;
};

const toDownReason = (streamError: Element): DownReason => {
  const children = streamError.getChildElements();
  const { name: condition = 'undefined-condition' } =
    children.find((child) => child.getNS() === streamErrorNamespace && !child.is('text')) ?? {};
  const text = streamError.getChildText('text', streamErrorNamespace);
  return {
    cause: refusals.has(condition) ? 'refused' : 'stream-error',
    condition,
    text: [condition, text].filter(Boolean).join(': '),
  };
};
