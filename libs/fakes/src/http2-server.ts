import { createSecureServer } from 'node:http2';
import type {
  Http2SecureServer,
  Http2Session,
  IncomingHttpHeaders,
  SecureServerOptions,
  ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { createReplySender } from './http2-reply.ts';
import type { FakeReply } from './http2-reply.ts';
import { createHttp2Sessions } from './http2-sessions.ts';

/** A request as it arrived. Header names are lower case; pseudo-headers are left out. */
export type FakeRequest = {
  readonly method: string;
  /** As it was sent, percent-encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Cut off after 64 KiB. */
  readonly body: string;
  readonly session: Http2Session;
  /** The client no longer expects an answer: the stream has closed, or a GOAWAY excludes it. */
  readonly isOver: () => boolean;
  /** Raises the stream limit of this connection from `firstStreams` to `maxConcurrentStreams`. */
  readonly grantStreams: () => void;
};

type Options = {
  readonly tls: SecureServerOptions;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly maxConcurrentStreams: number;
  /** The streams of a new connection until `grantStreams`; `maxConcurrentStreams` if absent. */
  readonly firstStreams?: number;
  /** A connection that gets all its streams at once. */
  readonly isKnown?: (session: Http2Session) => boolean;
  readonly reply: (request: FakeRequest) => Promise<FakeReply> | FakeReply;
};

const maxBodyBytes = 65_536;

/** An HTTP/2 server over TLS that can treat its clients as badly as servers and networks do. */
export const startHttp2Server = async (options: Options) => {
  const { host, firstStreams, isKnown = () => false } = options;
  let { port, maxConcurrentStreams } = options;
  let server: Http2SecureServer | undefined;
  const sessions = createHttp2Sessions();
  const replies = createReplySender(sessions.goaway);
  const sockets = new Set<Socket>();

  const firstSettings = () => ({
    maxConcurrentStreams: Math.min(firstStreams ?? maxConcurrentStreams, maxConcurrentStreams),
  });

  const onConnection = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  };

  const onSession = (session: Http2Session): void => {
    sessions.add(session);
    if (firstStreams !== undefined && isKnown(session)) session.settings({ maxConcurrentStreams });
  };

  const onStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
    const { session } = stream;
    sessions.addStream(session, stream);
    readBody(stream, (body) => {
      if (!session) return;
      // A stream that arrived in the same read as the request that caused a GOAWAY is still open.
      const isOver = () => stream.destroyed || stream.closed || sessions.isExcluded(session, stream.id ?? 0);
      const grantStreams = () => session.settings({ maxConcurrentStreams });
      const reply = options.reply({ ...plainHeaders(headers), body, session, isOver, grantStreams });
      if (!(reply instanceof Promise)) return replies.send(stream, reply);
      reply.then((each) => replies.send(stream, each)).catch((error: unknown) => stream.destroy(error as Error));
    });
  };

  const listen = async (): Promise<void> => {
    const created = createSecureServer({ ...options.tls, settings: firstSettings() })
      .on('connection', onConnection)
      .on('session', onSession)
      .on('tlsClientError', () => {})
      .on('stream', onStream);
    server = created;
    await new Promise<void>((resolve, reject) => {
      created.once('error', reject).listen(port, host, resolve);
    });
    ({ port } = created.address() as AddressInfo);
  };

  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };

  await listen();

  return {
    port,
    /** The number of open connections. */
    connections: sessions.count,
    /** Breaks all connections, as when the server is killed. */
    cut,
    /** Keeps the present connections open but lets nothing through any more, as behind a NAT that forgot them. */
    silence: (): void => {
      // The handles themselves must stop reading: a paused stream would still answer PINGs.
      for (const socket of sockets) (socket as unknown as { _handle?: { readStop(): void } })._handle?.readStop();
    },
    /** GOAWAY on all connections (RFC 9113 §6.8): the `unprocessed` newest of their open streams count as never seen. */
    goaway: ({ unprocessed = 0, ...more }: { unprocessed?: number; code?: number; reason?: string } = {}): void =>
      sessions.goawayAll(unprocessed, more),
    /** Changes the stream limit of all connections, present and new. */
    limitStreams: (limit: number): void => {
      maxConcurrentStreams = limit;
      server?.updateSettings(firstSettings());
      for (const session of sessions.live()) session.settings({ maxConcurrentStreams });
    },
    /** Breaks all connections and stops listening. */
    stop: async (): Promise<void> => {
      const closed = new Promise((resolve) => (server?.listening ? server.close(resolve) : resolve(undefined)));
      cut();
      replies.stop();
      await closed;
    },
    /** After `stop`: listens on the same port again. */
    restart: listen,
  };
};

const readBody = (stream: ServerHttp2Stream, onEnd: (body: string) => void): void => {
  let body = '';
  stream.setEncoding('utf8');
  stream.on('error', () => {}); // Resets and lost connections matter to the client only.
  stream.on('data', (chunk: string) => {
    if (body.length <= maxBodyBytes) body += chunk;
  });
  stream.on('end', () => onEnd(body));
};

const plainHeaders = (headers: IncomingHttpHeaders): Pick<FakeRequest, 'method' | 'path' | 'headers'> => {
  const plain: Record<string, string> = {};
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (typeof value === 'string' && !name.startsWith(':')) plain[name] = value;
  }
  return { method: headers[':method'] ?? '', path: headers[':path'] ?? '', headers: plain };
};
