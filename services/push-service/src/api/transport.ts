import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { constants, createSecureServer } from 'node:http2';
import type { Http2SecureServer, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { createThrottle } from '@pushmesh/telemetry';
import type { Log } from '@pushmesh/telemetry';
import { readCertificate, watchCertificate } from './certificate.ts';
import type { CertificateFiles, ReadCertificate } from './certificate.ts';
import type { PushServiceMetrics } from '../metrics.ts';

/** Milliseconds. */
export type Timeouts = {
  /** For a TLS handshake, and for a request's header. */
  readonly headersMs: number;
  /** For a whole request, and for an HTTP/2 stream to arrive completely. */
  readonly requestMs: number;
  /** A connection on which nothing moves is closed. */
  readonly idleMs: number;
  /** For the last answers while we stop; then all connections are closed. */
  readonly drainMs: number;
  /** Between two looks at the certificate files. */
  readonly certificateMs: number;
};

const timeouts: Timeouts = {
  headersMs: 10_000,
  requestMs: 30_000,
  idleMs: 75_000,
  // Longer than a provider may take.
  drainMs: 10_000,
  certificateMs: 10_000,
};
/**
 * How long a caller's HTTP/1.1 connection may wait for its next request: longer than the idle timeout of common
 * balancers.
 */
const keepAliveMs = 72_000;
/** Bytes of a request's header; most of it is the path with its device token. */
const maxHeaderBytes = 16_384;
const maxStreams = 100;

type Options = {
  readonly tls: CertificateFiles | undefined;
  readonly maxConnections: number;
  readonly timeouts?: Partial<Timeouts>;
};

type Deps = {
  readonly log: Log;
  readonly metrics: Pick<
    PushServiceMetrics,
    'connectionsRefused' | 'handshakesFailed' | 'certificateExpires' | 'certificateReloads'
  >;
};

/**
 * The sockets under the API: HTTP/1.1, or with a certificate TLS with HTTP/2 and HTTP/1.1 on one port (ALPN). There is no
 * HTTP/2 without TLS: Node would need a separate port for it, and no caller of the API speaks it.
 */
export const createTransport = (options: Options, deps: Deps) => {
  const limits = { ...timeouts, ...options.timeouts };
  const { tls } = options;
  const secure = tls && createSecureServers(tls, limits, deps);
  const servers: Server[] = [];
  const sockets = new Set<Socket>();

  return {
    scheme: tls ? 'https' : 'http',
    /** fastify's `serverFactory`; called once for each address of the host name. */
    listen: (handler: RequestListener): Server => {
      const server = secure ? secure.create(handler) : createServer(http1Options(limits), handler);
      server.setTimeout(limits.idleMs);
      server.maxConnections = options.maxConnections;
      server.on('drop', () => deps.metrics.connectionsRefused.inc());
      server.on('connection', (socket: Socket) => sockets.add(socket.once('close', () => sockets.delete(socket))));
      // Both are the same to fastify: it listens, closes, and gets requests and answers with the same interface.
      servers.push(server as Server);
      return server as Server;
    },
    /** Runs `close`, which stops listening and waits until all connections have ended, and makes sure that they do. */
    drain: async (close: () => Promise<void>): Promise<void> => {
      secure?.stopWatching();
      // Node closes only connections that are idle now, not those that become idle after their answer.
      const idle = setInterval(() => {
        for (const server of servers) server.closeIdleConnections();
      }, 100);
      // Nor does it close those on which no request ever arrived completely.
      const late = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, limits.drainMs);
      await close();
      clearInterval(idle);
      clearTimeout(late);
    },
  };
};

const http1Options = ({ headersMs, requestMs }: Timeouts) => ({
  maxHeaderSize: maxHeaderBytes,
  headersTimeout: headersMs,
  requestTimeout: requestMs,
  connectionsCheckingInterval: Math.min(5_000, headersMs),
  keepAliveTimeout: keepAliveMs,
});

/** The servers with TLS; they use a renewed certificate as soon as it is in the files. */
const createSecureServers = (files: CertificateFiles, limits: Timeouts, { log, metrics }: Deps) => {
  const servers: Http2SecureServer[] = [];
  let certificate = readOrThrow(files);
  reportValidity(certificate, { log, metrics });

  const watch = watchCertificate(files, {
    everyMs: limits.certificateMs,
    onChange: (read) => {
      certificate = read;
      for (const server of servers) server.setSecureContext(read.context);
      reportValidity(read, { log, metrics });
      metrics.certificateReloads.inc({ result: 'loaded' });
      log.info({ event: 'certificate-loaded', expires: new Date(read.expiresAt).toISOString() });
    },
    onProblem: (problems) => {
      metrics.certificateReloads.inc({ result: 'failed' });
      log.error({ event: 'certificate-not-loaded', problems, instead: 'the one before stays in use' });
    },
  });

  const throttled = createThrottle();
  /**
   * A caller with a missing or foreign certificate sees only that the connection ends. Anybody can make handshakes
   * fail.
   */
  const onHandshakeFailed = (error: NodeJS.ErrnoException, { authorizationError }: TLSSocket): void => {
    metrics.handshakesFailed.inc();
    throttled((times) => log.warn({ event: 'handshake-failed', why: authorizationError ?? error.code, times }));
  };

  return {
    create: (handler: RequestListener): Http2SecureServer => {
      const server = createSecureServer({
        ...certificate.context,
        requestCert: files.clientCa !== undefined,
        rejectUnauthorized: true,
        allowHTTP1: true,
        ...http1Options(limits),
        handshakeTimeout: limits.headersMs,
        settings: { maxConcurrentStreams: maxStreams, maxHeaderListSize: maxHeaderBytes },
      });
      server.on('request', handler as never);
      server.on('stream', endWhenLate(limits.requestMs));
      server.on('tlsClientError', onHandshakeFailed);
      servers.push(server);
      return server;
    },
    stopWatching: watch.stop,
  };
};

const readOrThrow = (files: CertificateFiles): ReadCertificate => {
  const read = readCertificate(files);
  if (!read.ok) throw new Error(read.problems.map(({ why }) => why).join('; '));
  return read;
};

/** Callers may not verify the certificate, and those that do see only a failure: so it is used, and logged. */
const reportValidity = (
  { validFrom, expiresAt }: ReadCertificate,
  { log, metrics }: { readonly log: Log; readonly metrics: Pick<PushServiceMetrics, 'certificateExpires'> },
): void => {
  metrics.certificateExpires.set(expiresAt / 1_000);
  const now = Date.now();
  if (expiresAt <= now) log.error({ event: 'server-certificate-expired', at: new Date(expiresAt) });
  if (validFrom > now) log.error({ event: 'server-certificate-not-yet-valid', until: new Date(validFrom) });
};

/** HTTP/1.1 has `requestTimeout`; an HTTP/2 stream whose body trickles in would never end by itself. */
const endWhenLate =
  (ms: number) =>
  (stream: ServerHttp2Stream): void => {
    if (stream.endAfterHeaders) return;
    const late = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), ms);
    const done = () => clearTimeout(late);
    stream.once('end', done).once('close', done);
  };
