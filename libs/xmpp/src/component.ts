import { backOffMs } from '@pushmesh/async';
import { openComponentConnection, type ComponentConnection, type DownReason } from './connection.ts';
import { defaultLimits, serialise, type Element, type ParserLimits, type XmlError } from './xml.ts';

export type { DownReason };

/** `waiting`: not connected; the next attempt is scheduled. `stopped` is final. */
export type StreamState = 'connecting' | 'online' | 'waiting' | 'stopped';

/**
 * `congested`: sent, but the peer is not reading; send less. `offline`: not sent. `invalid`: not sent, because it would
 * make the server close the stream (no `to`, or `from` is not at this component; XEP-0114 §3).
 */
export type Sent = 'sent' | 'congested' | 'offline' | 'invalid';

export type StreamTiming = {
  /** Upper bound of the first wait between two attempts to connect, milliseconds; each further failure doubles it. */
  readonly backoffBaseMs: number;
  /** Upper bound of every such wait, milliseconds. */
  readonly backoffCapMs: number;
  /** From the first packet to the accepted handshake, milliseconds. */
  readonly handshakeMs: number;
  /** After a stream has been online for this long, the back-off starts again from its base, milliseconds. */
  readonly stableMs: number;
  /** How long the peer may leave more than `highWaterBytes` unread, milliseconds. */
  readonly stallMs: number;
  /** How long the peer may take to read a last stream error, milliseconds. */
  readonly lingerMs: number;
};

export const defaultTiming: StreamTiming = {
  handshakeMs: 10_000,
  backoffBaseMs: 500,
  backoffCapMs: 30_000,
  stableMs: 30_000,
  stallMs: 60_000,
  lingerMs: 1_000,
};

export type ComponentOptions = {
  /** `xmpp://host:port`; the port defaults to 5347, as is customary for XEP-0114. */
  readonly service: string;
  /** The name of the component. */
  readonly domain: string;
  readonly secret: string;
  /** Receives every stanza. None is answered here: to a server, an answer can mean "forget this node". */
  readonly onStanza: (stanza: Element) => void;
  /** Receives changes of state, for logs and metrics. Never called before {@link connectComponent} returns. */
  readonly onState?: (state: StreamState, reason?: DownReason) => void;
  /** A stanza over a limit was skipped; `head` is its outermost element, emptied. */
  readonly onRefused?: (head: Element, error: XmlError) => void;
  /** `onStanza` or `onRefused` threw. The stream goes on. Without this the error becomes an uncaught exception. */
  readonly onHandlerError?: (error: unknown) => void;
  readonly limits?: Partial<ParserLimits>;
  readonly timing?: Partial<StreamTiming>;
  /** Returns a number in [0, 1), for the back-off. */
  readonly random?: () => number;
  /** With more outgoing bytes than this not yet accepted by the peer, reading stops and `send` returns `congested`. */
  readonly highWaterBytes?: number;
  /** The most outgoing bytes ever held; beyond this the stream is cut. */
  readonly maxQueuedBytes?: number;
};

export type ComponentStream = {
  readonly domain: string;
  state(): StreamState;
  /** Sends a stanza, in one write with all others of this turn of the event loop. `from` defaults to the component. */
  send(stanza: Element): Sent;
  /**
   * Stops reading, on later connections too. Stanzas that have already been read (at most 64 KiB) are still handed out.
   * While paused, a connection closed by the server is noticed only when something is sent.
   */
  pause(): void;
  resume(): void;
  /** Closes the stream, then the socket; resolves when the socket is gone, after `deadlineMs` at most. */
  stop(deadlineMs: number): Promise<void>;
};

/**
 * A component of an XMPP server (XEP-0114). Keeps connecting until it is stopped; a failed first attempt is treated
 * like any other. Throws only if `service` is not an address.
 */
export const connectComponent = (options: ComponentOptions): ComponentStream => {
  const { domain, random = Math.random, highWaterBytes = 1024 * 1024 } = options;
  const timing = { ...defaultTiming, ...options.timing };
  const address = parseService(options.service);
  let state: StreamState = 'connecting';
  let failures = 0;
  let onlineSince: number | undefined;
  let isPaused = false;
  let retry: NodeJS.Timeout | undefined;
  const stopped = Promise.withResolvers<void>();

  const enter = (next: StreamState, reason?: DownReason) => {
    state = next;
    options.onState?.(next, reason);
  };

  const open = (): ComponentConnection => {
    let waitMs = 0;
    return openComponentConnection({
      service: options.service,
      address,
      domain,
      secret: options.secret,
      limits: { ...defaultLimits, ...options.limits },
      ...timing,
      highWaterBytes,
      maxQueuedBytes: options.maxQueuedBytes ?? 8 * highWaterBytes,
      onOnline() {
        onlineSince = performance.now();
        connection.setReading(!isPaused);
        enter('online');
      },
      onStanza: (stanza) => guarded(() => options.onStanza(stanza), options.onHandlerError),
      onRefused: (head, error) => guarded(() => options.onRefused?.(head, error), options.onHandlerError),
      onDown(reason) {
        if (onlineSince !== undefined && performance.now() - onlineSince >= timing.stableMs) failures = 0;
        onlineSince = undefined;
        failures += 1;
        waitMs = waitBefore(failures, reason, timing, random());
        if (state !== 'stopped') enter('waiting', reason);
      },
      onClosed() {
        if (state === 'stopped') return stopped.resolve();
        retry = setTimeout(() => {
          retry = undefined;
          connection = open();
          enter('connecting');
        }, waitMs);
      },
    });
  };
  let connection = open();

  return {
    domain,
    state: () => state,

    send(stanza) {
      stanza.attrs.from ??= domain;
      if (!stanza.attrs.to || domainOf(stanza.attrs.from) !== domain.toLowerCase()) return 'invalid';
      return state === 'online' ? connection.send(serialise(stanza)) : 'offline';
    },

    pause() {
      isPaused = true;
      connection.setReading(false);
    },

    resume() {
      isPaused = false;
      connection.setReading(true);
    },

    stop(deadlineMs) {
      if (state === 'stopped') return stopped.promise;
      enter('stopped');
      if (retry) {
        clearTimeout(retry);
        stopped.resolve();
      } else {
        connection.close(deadlineMs);
      }
      return stopped.promise;
    },
  };
};

/**
 * Milliseconds before the next attempt. Full jitter, so that the components of a server that restarts do not all come
 * back at once. After a refusal, which only a human or the end of another stream can lift: half of the maximum or more.
 */
const waitBefore = (
  failures: number,
  { cause }: DownReason,
  { backoffBaseMs, backoffCapMs }: StreamTiming,
  random: number,
): number =>
  cause === 'refused'
    ? backOffMs({ firstMs: backoffCapMs, maxMs: backoffCapMs }, failures, 'equal', random)
    : backOffMs({ firstMs: backoffBaseMs, maxMs: backoffCapMs }, failures, 'full', random);

const parseService = (service: string): { host: string; port: number } => {
  const url = URL.canParse(service) ? new URL(service) : undefined;
  if (url?.protocol !== 'xmpp:' || url.hostname === '') {
    throw new TypeError(`expected the service of a component as xmpp://host:port, got ${service}`);
  }
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port || 5347) };
};

/** Runs a handler. An error must not be thrown from here: it would surface in the middle of the parser. */
const guarded = (handler: () => void, onHandlerError: ComponentOptions['onHandlerError']): void => {
  try {
    handler();
  } catch (error) {
    if (!onHandlerError)
      queueMicrotask(() => {
        throw error;
      });
    else onHandlerError(error);
  }
};

const domainOf = (address: string): string => {
  const [bare = ''] = address.split('/', 1);
  return bare.slice(bare.indexOf('@') + 1).toLowerCase();
};
