import { constants, createSecureServer } from 'node:http2';
import type {
  Http2SecureServer,
  Http2Session,
  IncomingHttpHeaders,
  SecureServerOptions,
  ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Disturbance } from './behaviour.ts';

/** A request as it came in; header names are lower case. */
export type FakeRequest = {
  readonly method: string;
  /** As it was sent. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly session: Http2Session;
  /** Nobody waits for the answer any more. */
  readonly isOver: () => boolean;
};

export type Answer = {
  readonly type: 'answer';
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Milliseconds that the answer takes to trickle in. */
  readonly overMs?: number;
};

/** What comes back of a request, if anything does. */
export type FakeReply = Answer | Disturbance;

type Options = {
  readonly tls: SecureServerOptions;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly maxConcurrentStreams: number;
  /** Streams of a new connection until `grantStreams`; `maxConcurrentStreams` when absent, and for those who are known. */
  readonly firstStreams?: number;
  readonly isKnown?: (session: Http2Session) => boolean;
  readonly reply: (request: FakeRequest) => Promise<FakeReply> | FakeReply;
};

const maxBodyBytes = 65_536;

/** A server of HTTP/2 over TLS that can do to its clients whatever servers and networks do. */
export const createHttp2Fake = (options: Options) => {
  const { host, reply, firstStreams, isKnown = () => false } = options;
  /** With the ids of their open streams. */
  const sessions = new Map<Http2Session, Set<number>>();
  /** What their GOAWAY said. */
  const lastIds = new WeakMap<Http2Session, number>();
  const sockets = new Set<Socket>();
  const timers = new Set<NodeJS.Timeout>();
  let { port, maxConcurrentStreams } = options;
  let server: Http2SecureServer | undefined;

  const later = (ms: number, act: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, ms);
    timers.add(timer);
  };

  const answer = (stream: ServerHttp2Stream, { status, headers, body = '', overMs }: Answer) => {
    stream.respond({ ':status': status, ...headers }, { endStream: body === '' && overMs === undefined });
    if (overMs !== undefined) return drip(stream, body, overMs / (body.length + 1));
    if (body !== '') stream.end(body);
  };

  const drip = (stream: ServerHttp2Stream, rest: string, stepMs: number) =>
    later(stepMs, () => {
      if (stream.destroyed || stream.closed) return;
      if (rest === '') return void stream.end();
      stream.write(rest[0]);
      drip(stream, rest.slice(1), stepMs);
    });

  /** `lastId` 0 is "all that came" to Node. A later GOAWAY may not take back what an earlier one said (RFC 9113 §6.8). */
  const goaway = (session: Http2Session, lastId: number, code = 0, reason?: string) => {
    const before = lastIds.get(session) ?? Number.POSITIVE_INFINITY;
    if (before <= lastId || (lastId === 0 && before < Number.POSITIVE_INFINITY)) return;
    lastIds.set(session, lastId > 0 ? lastId : (session.state.lastProcStreamID ?? 0));
    session.goaway(code, lastId, reason === undefined ? undefined : Buffer.from(JSON.stringify({ reason })));
  };

  const play = (stream: ServerHttp2Stream, result: FakeReply) => {
    if (stream.destroyed || stream.closed || !stream.session) return;
    switch (result.type) {
      case 'answer':
        return answer(stream, result);
      case 'silence':
        return;
      case 'reset':
        return stream.close(result.code);
      case 'break':
        stream.respond({ ':status': 200 });
        return void stream.write('{"', () => stream.destroy(new Error('the answer breaks off')));
      case 'goaway':
        goaway(stream.session, Math.max(0, (stream.id ?? 0) - 2), 0, result.reason);
        // There is no id before the first.
        if (stream.id === 1) stream.close(constants.NGHTTP2_REFUSED_STREAM);
        return;
      case 'cut':
        return stream.session.destroy();
    }
  };

  const onStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const { session } = stream;
    const open = session && sessions.get(session);
    const id = stream.id ?? 0;
    open?.add(id);
    stream.on('close', () => open?.delete(id));
    let body = '';
    stream.setEncoding('utf8');
    stream.on('error', () => {}); // resets and lost connections are the other side's to tell
    stream.on('data', (chunk: string) => {
      if (body.length <= maxBodyBytes) body += chunk;
    });
    stream.on('end', () => {
      if (!session) return;
      // What came in one read with the request that made us say GOAWAY is still there.
      const isOver = () => stream.destroyed || stream.closed || id > (lastIds.get(session) ?? id);
      const result = reply({ ...head(headers), body, session, isOver });
      if (!(result instanceof Promise)) return play(stream, result);
      result.then((each) => play(stream, each)).catch((error: unknown) => stream.destroy(error as Error));
    });
  };

  /** Node ends a session that leaves ten SETTINGS without an answer, and tells of its end later. */
  const live = () => [...sessions].filter(([session]) => !session.destroyed);

  /** What a new connection is told first. */
  const firstSettings = () => ({
    maxConcurrentStreams: Math.min(firstStreams ?? maxConcurrentStreams, maxConcurrentStreams),
  });

  const create = () =>
    createSecureServer({ ...options.tls, settings: firstSettings() })
      .on('connection', (socket: Socket) => {
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket));
      })
      .on('session', (session) => {
        sessions.set(session, new Set());
        session.on('close', () => sessions.delete(session)).on('error', () => {});
        if (firstStreams !== undefined && isKnown(session)) session.settings({ maxConcurrentStreams });
      })
      .on('tlsClientError', () => {})
      .on('stream', onStream);

  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };

  return {
    start: async (): Promise<void> => {
      const created = create();
      server = created;
      await new Promise<void>((resolve, reject) => {
        created.once('error', reject).listen(port, host, resolve);
      });
      ({ port } = created.address() as AddressInfo);
    },
    /** Ends all connections in the middle; `start` opens the same port again. */
    stop: async (): Promise<void> => {
      const closed = new Promise((resolve) => (server?.listening ? server.close(resolve) : resolve(undefined)));
      cut();
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
      await closed;
    },
    port: () => port,
    /** Connections that are open. */
    connections: () => sessions.size,
    /** All connections break, as when the server is killed. */
    cut,
    /** All present connections stay open and nothing comes through any more, as behind a NAT that forgot them. */
    silence: (): void => {
      // The handles themselves stop reading: a paused stream would still answer PINGs.
      for (const socket of sockets) (socket as unknown as { _handle?: { readStop(): void } })._handle?.readStop();
    },
    /** GOAWAY on all connections (RFC 9113 §6.8): the latest `unprocessed` of their open streams were never seen. */
    goaway: ({ unprocessed = 0, code = 0, reason }: { unprocessed?: number; code?: number; reason?: string } = {}) => {
      for (const [session, ids] of live()) {
        const firstUnprocessed = unprocessed === 0 ? undefined : [...ids].at(-unprocessed);
        goaway(session, firstUnprocessed === undefined ? 0 : firstUnprocessed - 2, code, reason);
      }
    },
    /** Another number of streams for all connections, present and new, from now on. */
    limitStreams: (limit: number) => {
      maxConcurrentStreams = limit;
      server?.updateSettings(firstSettings());
      for (const [session] of live()) session.settings({ maxConcurrentStreams });
    },
    /** Gives one connection, begun with fewer, its full number of streams. */
    grantStreams: (session: Http2Session) => session.settings({ maxConcurrentStreams }),
  };
};

const head = (headers: IncomingHttpHeaders): Pick<FakeRequest, 'method' | 'path' | 'headers'> => {
  const plain: Record<string, string> = {};
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (typeof value === 'string' && !name.startsWith(':')) plain[name] = value;
  }
  return { method: headers[':method'] ?? '', path: headers[':path'] ?? '', headers: plain };
};
