import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Certificate } from '../tls.ts';

type Handle = (request: IncomingMessage, response: ServerResponse) => Promise<unknown>;

/** HTTP/1.1 over TLS on a free port of the loopback. */
export const startHttpsServer = async (certificate: Certificate, handle: Handle) => {
  const sockets = new Set<Socket>();
  const server = createServer(certificate, (request, response) => {
    // Who has hung up gets no answer.
    handle(request, response).catch(() => request.socket.destroy());
  });
  // Those that still shake hands are not among the connections that the server itself would close.
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    origin: `https://localhost:${(server.address() as AddressInfo).port}`,
    stop: (): Promise<void> =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
};
