import { connect as connectHttp2, constants } from 'node:http2';
import type { Settings } from 'node:http2';
import { isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { SecureContext } from 'node:tls';
import { exchange } from './exchange.ts';
import type { Http2Request, Http2Response, StreamEnd } from './exchange.ts';
import { createWatchdog } from './watchdog.ts';

export type ConnectionOptions = {
  readonly origin: URL;
  readonly secureContext: SecureContext;
  readonly verify: boolean;
  readonly connectTimeoutMs: number;
  readonly pingEveryMs: number;
  readonly pingTimeoutMs: number;
  readonly streamsPerConnection: number;
  readonly maxBodyBytes: number;
  readonly neverIndexed: readonly string[];
  /** Until an answer passes this test, only one stream is open at a time. */
  readonly proves: ((answer: Http2Response) => boolean) | undefined;
};

export type ConnectionEvents = {
  /** Streams can be opened: for the first time, again, or more than before. */
  readonly onRoom: () => void;
  /** The peer wants no more streams; those that it accepted go on. */
  readonly onGoaway: (code: number) => void;
  /** The connection is gone. `why` is an error code of Node, OpenSSL or this file. */
  readonly onClosed: (why: string) => void;
};

/** One connection to the origin, and what it can still take. */
export type Connection = {
  /** `retiring`: finishes what it has, and takes nothing new. */
  readonly state: () => 'connecting' | 'ready' | 'retiring' | 'closed';
  readonly inFlight: () => number;
  /** How many streams may be open at a time, as of now. */
  readonly limit: () => number;
  /** Whether it may have more than one stream at a time. */
  readonly isProven: () => boolean;
  /** Only while `ready` and below the limit. Returns a function that cancels the stream. */
  readonly send: (request: Http2Request, onEnd: (end: StreamEnd) => void) => () => void;
  readonly retire: () => void;
  readonly destroy: (why: string) => void;
  /** Sends a PING now instead of at the next turn. */
  readonly ping: () => void;
};

/** Connects; the connection is `ready` as soon as the peer's SETTINGS are known. */
export const openHttp2Connection = (
  options: ConnectionOptions,
  { onRoom, onGoaway, onClosed }: ConnectionEvents,
): Connection => {
  const { origin, secureContext, verify, maxBodyBytes, neverIndexed, streamsPerConnection, proves } = options;
  let state: ReturnType<Connection['state']> = 'connecting';
  let why = 'closed by peer';
  let peerLimit = 1;
  let proven = proves === undefined;
  let inFlight = 0;
  let lastStreamId = Number.POSITIVE_INFINITY;

  const socket = connectTls({
    host: hostOf(origin),
    port: Number(origin.port || 443),
    // RFC 6066 §3: a literal address is no server name.
    servername: isIP(hostOf(origin)) === 0 ? hostOf(origin) : '',
    ALPNProtocols: ['h2'],
    secureContext,
    rejectUnauthorized: verify,
  });
  socket.setNoDelay(true);
  const session = connectHttp2(origin, { createConnection: () => socket, settings: { enablePush: false } });

  const finish = () => {
    if (state === 'closed') return;
    state = 'closed';
    clearTimeout(connectDeadline);
    watchdog.stop();
    onClosed(why);
  };
  const destroy = (reason: string) => {
    if (state === 'closed') return;
    why = reason;
    session.destroy();
    // A session does not end while a write hangs.
    socket.destroy();
    finish();
  };
  const connectDeadline = setTimeout(() => destroy('connect_timeout'), options.connectTimeoutMs).unref();
  const watchdog = createWatchdog(options, {
    isBusy: () => inFlight > 0,
    ping: (onAnswer) => void (session.destroyed || session.ping(onAnswer)),
    onSilence: () => destroy('ping_timeout'),
  });

  session.on('connect', () => {
    if (socket.alpnProtocol !== 'h2') destroy('no_h2');
  });
  session.on('remoteSettings', (settings: Settings) => {
    peerLimit = settings.maxConcurrentStreams ?? streamsPerConnection;
    if (state === 'connecting') {
      clearTimeout(connectDeadline);
      watchdog.start();
      state = 'ready';
    }
    onRoom();
  });
  session.on('goaway', (code: number, lastId: number) => {
    lastStreamId = Math.min(lastStreamId, lastId);
    if (state === 'closed' || state === 'retiring') return;
    state = 'retiring';
    onGoaway(code);
  });
  session.on('error', (error: NodeJS.ErrnoException) => {
    why = error.code ?? 'error';
  });
  session.on('close', finish);

  return {
    // The session knows that it has ended before its events say so.
    state: () => (state === 'ready' && (session.closed || session.destroyed) ? 'retiring' : state),
    inFlight: () => inFlight,
    limit: () => Math.min(peerLimit, proven ? streamsPerConnection : 1),
    isProven: () => proven,
    send: (request, onEnd) => {
      const stream = exchange(session, request, {
        authority: origin.host,
        neverIndexed,
        maxBodyBytes,
        excluded: (id) => id > lastStreamId,
        onEnd: (end) => {
          if (end.type === 'answer') {
            watchdog.alive();
            if (!proven) proven = proves?.(end) ?? true;
          }
          onEnd(end);
        },
        onClosed: () => {
          inFlight -= 1;
          onRoom();
        },
      });
      inFlight += 1;
      return () => stream.close(constants.NGHTTP2_CANCEL);
    },
    retire: () => {
      if (state === 'closed' || state === 'retiring') return;
      state = 'retiring';
      session.close();
    },
    destroy,
    ping: watchdog.ask,
  };
};

const hostOf = (origin: URL): string => origin.hostname.replace(/^\[|\]$/g, '');
