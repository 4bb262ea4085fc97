import { createSecureServer } from 'node:http2';
import type { Http2Session, IncomingHttpHeaders, ServerHttp2Stream, Settings } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { createFakeAuthority } from '@pushmesh/fakes';

/** For `expect.poll`: allows for a loaded machine. */
export const patiently = { interval: 5, timeout: 20_000 } as const;

type Handler = (stream: ServerHttp2Stream, body: string, path: string) => void;

const authority = createFakeAuthority();

/** The `ca` for clients of a peer. */
export const { ca } = authority;

/** An HTTP/2 server over TLS on loopback that calls `handler` for each complete request. */
export const startPeer = async (handler: Handler, settings: Settings = {}) => {
  const sessions = new Set<Http2Session>();
  /** The paths of the requests, in order. */
  const seen: string[] = [];
  const received: IncomingHttpHeaders[] = [];
  const server = createSecureServer({ ...authority.issue('peer'), settings });
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session)).on('error', () => {});
  });
  server.on('stream', (stream, headers) => {
    const path = String(headers[':path']);
    seen.push(path);
    received.push(headers);
    let body = '';
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    stream.on('end', () => handler(stream, body, path));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `https://127.0.0.1:${port}`,
    sessions,
    seen,
    headers: received,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
};

/** Answers 200 with the path, the body, and the client's port, which identifies the connection. */
export const echo: Handler = (stream, body, path) => {
  if (stream.destroyed) return;
  stream.respond({ ':status': 200, 'x-path': path, 'x-port': String(stream.session?.socket.remotePort) });
  stream.end(body);
};
