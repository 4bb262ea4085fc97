import { constants, createSecureServer } from 'node:http2';
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Certificate } from '../tls.ts';
import type { FcmResponse } from './answers.ts';

/** A request as it came. */
export type FcmRequest = {
  readonly method: string;
  readonly path: string;
  readonly authorization: string;
  readonly body: string;
};

/** An answer, or none: the stream is reset, or nothing ever comes. */
export type FcmReply = FcmResponse | 'reset' | 'silence';

type Options = {
  readonly certificate: Certificate;
  readonly maxConcurrentStreams: number;
  readonly reply: (request: FcmRequest) => Promise<FcmReply> | FcmReply;
};

/** HTTP/2 over TLS on a free port of the loopback. */
export const startMessageServer = async ({ certificate, maxConcurrentStreams, reply }: Options) => {
  const sessions = new Set<ServerHttp2Session>();
  const server = createSecureServer({ ...certificate, settings: { maxConcurrentStreams } });

  const handle = async (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const body = await textOf(stream);
    const { ':method': method = '', ':path': path = '', authorization = '' } = headers;
    const answer = await reply({ method, path, authorization, body });
    if (answer === 'silence' || stream.destroyed) return;
    if (answer === 'reset') return stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    stream.respond({
      ':status': answer.status,
      'content-type': 'application/json; charset=UTF-8',
      ...answer.headers,
    });
    stream.end(answer.body);
  };

  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => stream.destroy());
    handle(stream, headers).catch(() => stream.destroy());
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const dropConnections = () => {
    for (const session of sessions) session.destroy();
  };

  return {
    origin: `https://localhost:${(server.address() as AddressInfo).port}`,
    /** All connections break, as when the provider restarts. */
    dropConnections,
    stop: (): Promise<void> =>
      new Promise((resolve) => {
        server.close(() => resolve());
        dropConnections();
      }),
  };
};

const textOf = (stream: ServerHttp2Stream): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = '';
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      text += chunk;
    });
    stream.once('end', () => resolve(text));
    stream.once('close', () => reject(new Error('the stream was closed')));
  });
