import { createServer } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Certificate } from './fake-authority.ts';

type Handle = (request: IncomingMessage, response: ServerResponse, body: Buffer) => Promise<unknown>;

type Options = {
  readonly certificate: Certificate;
  readonly host: string;
  /** What clients call it. */
  readonly name: string;
  /** 0: any free one. */
  readonly port: number;
  readonly handle: Handle;
};

const maxBodyBytes = 65_536;

/** HTTP/1.1 over TLS. What is longer than any push, or token request, is cut off. */
export const startHttpsServer = async ({ certificate, host, name, port, handle }: Options) => {
  const sockets = new Set<Socket>();
  const server = createServer(certificate, (request, response) => {
    // A request whose body breaks off loses sight of its socket.
    const { socket } = request;
    readBody(request)
      .then((body) => handle(request, response, body))
      // Who has hung up gets no answer.
      .catch(() => socket.destroy());
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
