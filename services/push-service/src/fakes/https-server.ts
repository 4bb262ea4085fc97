import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Certificate } from './tls.ts';

type Handle = (request: IncomingMessage, response: ServerResponse) => Promise<unknown>;

type Options = {
  readonly certificate: Certificate;
  readonly host: string;
  /** What clients call it. */
  readonly name: string;
  /** 0: any free one. */
  readonly port: number;
  readonly handle: Handle;
};

/** HTTP/1.1 over TLS. */
export const startHttpsServer = async ({ certificate, host, name, port, handle }: Options) => {
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
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));

  return {
    origin: `https://${name}:${(server.address() as AddressInfo).port}`,
    stop: (): Promise<void> =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
};
