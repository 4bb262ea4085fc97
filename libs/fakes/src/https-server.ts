import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Certificate } from './fake-authority.ts';

type Options = {
  readonly certificate: Certificate;
  readonly host: string;
  /** The host name in the URLs of clients. */
  readonly name: string;
  /** 0: any free port. */
  readonly port: number;
  readonly handle: (request: IncomingMessage, response: ServerResponse, body: Buffer) => Promise<unknown>;
};

const maxBodyBytes = 65_536;

/** An HTTP/1.1 server over TLS. It cuts connections whose body is longer than any push or token request. */
export const startHttpsServer = async ({ certificate, host, name, port, handle }: Options) => {
  const sockets = new Set<Socket>();
  const server = createServer(certificate, (request, response) => {
    // A request whose body breaks off loses its reference to the socket.
    const { socket } = request;
    readBody(request)
      .then((body) => handle(request, response, body))
      .catch(() => socket.destroy());
  });
  // `closeAllConnections` would miss the connections whose TLS handshake is not complete.
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

const readBody = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw new Error('the body is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};
