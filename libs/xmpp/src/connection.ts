import { component, type Entity } from '@xmpp/component';
import { openOutbox, type Outbox } from './outbox.ts';
import { serialise, StreamParser, xml, type Element, type ParserLimits, type XmlError } from './xml.ts';

/** Why a stream is not, or no longer, usable: `cause` for metrics, `text` for the log. */
export type DownReason = {
  /**
   * `refused`: the server rejects this component (wrong name or secret, name in use); `stream-error`: the server sent
   * another stream error; `xml`: it sent XML that the parser refuses; `timeout`: not online in time; `stalled`: it does
   * not read; `closed`: one side closed the stream or the connection; `socket`: the connection failed.
   */
  readonly cause: 'refused' | 'stream-error' | 'xml' | 'timeout' | 'stalled' | 'closed' | 'socket';
  readonly text: string;
  /** The condition of the server's stream error (RFC 6120 §4.9.3). */
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
  /** Milliseconds that the peer gets to read the end of the stream. */
  readonly lingerMs: number;
  /** Milliseconds that the peer may leave more than `highWaterBytes` unread. */
  readonly stallMs: number;
  readonly highWaterBytes: number;
  readonly maxQueuedBytes: number;
  readonly onOnline: () => void;
  /** Every stanza, even one that was in transit when we closed the stream and can no longer be answered. */
  readonly onStanza: (stanza: Element) => void;
  readonly onRefused: (head: Element, error: XmlError) => void;
  /** Nothing can be sent any more, and unless we closed the stream, nothing is received either. Called once. */
  readonly onDown: (reason: DownReason) => void;
  /** The socket is gone as well, so the server releases the name. Called once, after `onDown`. */
  readonly onClosed: () => void;
};

/** One XEP-0114 stream over one socket, from connecting to the end. */
export type ComponentConnection = {
  send(text: string): 'sent' | 'congested' | 'offline';
  /** Whether to read from the socket; stanzas that have already been read are still handed out. */
  setReading(isWanted: boolean): void;
  /** Closes the stream, then the socket (RFC 6120 §4.4); destroys the socket after `deadlineMs`. */
  close(deadlineMs: number): void;
};

/**
 * Opens a XEP-0114 stream. Every attempt gets its own entity of `@xmpp/component`: the library keeps closing an old
 * stream until its timeout, and in a reused entity it would end the new socket.
 */
export const openComponentConnection = (options: ConnectionOptions): ComponentConnection => {
  const connection = new EntityConnection(options);
  connection.open();
  return connection;
};

const keepAliveMs = 30_000;
const streamsNamespace = 'http://etherx.jabber.org/streams';
const streamErrorNamespace = 'urn:ietf:params:xml:ns:xmpp-streams';
/**
 * Conditions that a quick retry cannot clear (RFC 6120 §4.9.3). `conflict` is also sent if another gateway took the
 * name.
 */
const refusals = new Set(['not-authorized', 'host-unknown', 'host-gone', 'conflict']);

class EntityConnection implements ComponentConnection {
  readonly #options: ConnectionOptions;
  readonly #entity: Entity;
  readonly #outbox: Outbox;
  #phase: 'opening' | 'online' | 'down' = 'opening';
  #isClosedByUs = false;
  #isReadingWanted = true;
  #watchdog: NodeJS.Timeout | undefined;
  #linger: NodeJS.Timeout | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#entity = createEntity(options);
    this.#outbox = openOutbox({
      ...options,
      write: (data) => this.#entity.write(data),
      unsentBytes: () => this.#entity.socket?.writableLength ?? 0,
      onCongestionChange: () => this.#applyReading(),
      onStalled: () => this.#down({ cause: 'stalled', text: 'the peer does not read' }),
    });
  }

  open(): void {
    const { handshakeMs, service, domain } = this.#options;
    const entity = this.#entity;
    // The library times each step separately, gives up silently, and leaves the socket open.
    this.#watchdog = setTimeout(
      () => this.#down({ cause: 'timeout', text: `not online within ${handshakeMs} ms` }),
      handshakeMs,
    );
    entity.on('error', (error: NodeJS.ErrnoException) =>
      this.#down({ cause: 'socket', text: error.code ?? error.message }),
    );
    // `close` is the end of the peer's stream, `disconnect` the end of the socket.
    entity.on('close', () => this.#onStreamEnd());
    entity.on('disconnect', () => this.#onDisconnect());
    // The library would answer every parser error with `bad-format`.
    entity._onParserError = (error) => this.#onParserError(error);
    // The library would follow `see-other-host` and send our secret to wherever it points. It also notices the
    // handshake some ticks late, and loses the stanzas in the same packet: there Prosody asks about what is delegated,
    // and it asks only once.
    entity._onElement = (element) => this.#onElement(element);
    entity
      .connect(service)
      .then(() => entity.open({ domain }))
      .catch((error: Error) => this.#down({ cause: 'socket', text: error.message }));
  }

  send(text: string): 'sent' | 'congested' | 'offline' {
    return this.#phase === 'online' ? this.#outbox.send(text) : 'offline';
  }

  setReading(isWanted: boolean): void {
    this.#isReadingWanted = isWanted;
    this.#applyReading();
  }

  close(deadlineMs: number): void {
    if (this.#phase === 'down') return this.#lingerFor(deadlineMs);
    const isOnline = this.#phase === 'online';
    this.#isClosedByUs = isOnline;
    // The peer still has to read the end of the stream and to answer it, so the socket stays open in both directions.
    const lastWords = isOnline ? this.#entity.footer() : undefined;
    this.#down({ cause: 'closed', text: 'closed by us' }, lastWords, 'write', deadlineMs);
  }

  #onElement(element: Element): void {
    if (this.#phase === 'down' && !this.#isClosedByUs) return;
    if (element.is('error', streamsNamespace)) {
      this.#down(toDownReason(element), this.#entity.footer());
    } else if (this.#phase === 'online' || this.#isClosedByUs) {
      this.#options.onStanza(element);
    } else if (element.name === 'handshake') {
      this.#entity.emit('element', element);
      this.#phase = 'online';
      clearTimeout(this.#watchdog);
      this.#applyReading();
      this.#options.onOnline();
    }
  }

  #onParserError({ condition, message }: Parameters<Entity['_onParserError']>[0]): void {
    const streamError = xml('stream:error', {}, xml(condition, { xmlns: streamErrorNamespace }));
    const lastWords = serialise(streamError) + this.#entity.footer();
    this.#down({ cause: 'xml', text: `${condition}: ${message}` }, lastWords);
  }

  #onStreamEnd(): void {
    if (this.#phase === 'down') this.#entity.socket?.end();
    else this.#down({ cause: 'closed', text: 'the peer closed the stream' }, this.#entity.footer());
  }

  #onDisconnect(): void {
    this.#down({ cause: 'closed', text: 'the connection was closed' });
    clearTimeout(this.#linger);
    this.#options.onClosed();
  }

  #applyReading(): void {
    if (this.#phase !== 'online') return;
    // While the peer does not read our answers, we read no more of its requests.
    if (this.#isReadingWanted && !this.#outbox.isCongested()) this.#entity.socket?.resume();
    else this.#entity.socket?.pause();
  }

  /** Ends the stream: at once, or after last words that the peer gets some time to read. */
  #down(reason: DownReason, lastWords?: string, how: 'write' | 'end' = 'end', lingerMs = this.#options.lingerMs): void {
    if (this.#phase === 'down') return;
    this.#phase = 'down';
    clearTimeout(this.#watchdog);
    const unwritten = this.#outbox.close();
    const { socket } = this.#entity;
    if (lastWords === undefined || !socket || socket.connecting) {
      socket?.destroy();
    } else {
      // Unread input would turn the close into a reset, and the peer would lose the last words.
      socket.resume();
      socket[how](unwritten + lastWords);
      this.#lingerFor(lingerMs);
    }
    this.#options.onDown(reason);
  }

  #lingerFor(ms: number): void {
    clearTimeout(this.#linger);
    this.#linger = setTimeout(() => this.#entity.socket?.destroy(), ms);
  }
}

/** The library's component without the parts that we do ourselves: reconnecting, middleware, IQ replies, parsing. */
const createEntity = (options: ConnectionOptions): Entity => {
  const entity = component({
    service: options.service,
    domain: options.domain,
    // XEP-0114 §3 hashes UTF-8, but the library hashes Latin-1: so each byte goes in as one character.
    password: Buffer.from(options.secret).toString('latin1'),
  });
  entity.reconnect.stop();
  // Its middleware listens here, and the iq-callee behind the middleware answers every request with a `cancel` error.
  entity.removeAllListeners('element');
  // Turns off the library's timers: they cannot be cleared, and the watchdog covers them all.
  entity.timeout = 0;
  // The library would leave the brackets around IPv6 addresses.
  entity.socketParameters = () => options.address;
  entity.Parser = class extends StreamParser {
    constructor() {
      super(options.limits);
      this.on('refused', options.onRefused);
    }
  };
  entity.on('connect', () => {
    // The library decodes each chunk separately, which breaks characters that are split across chunks.
    entity.socket?.setEncoding('utf8').setNoDelay(true).setKeepAlive(true, keepAliveMs);
  });
  // If data follows the end of the stream, the library would write to a parser that it has dropped.
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
