import type { IncomingMessage, ServerResponse } from 'node:http';
import { maxDelayMs } from '../behaviour.ts';
import { createDelays } from '../delays.ts';
import type { Certificate } from '../fake-authority.ts';
import { startHttpsServer } from '../https-server.ts';
import type { TokenResponse } from './token-issuer.ts';

/** What the token endpoint does in place of its answer; after `slow`, `ms` milliseconds later, it answers. */
export type TokenFault =
  | { readonly answer: 'reset' | 'silence' | 'html' | 'malformed' }
  | { readonly answer: 'slow'; readonly ms: number }
  | { readonly answer: 'unavailable'; readonly retryAfter?: string }
  | { readonly answer: 'refused'; readonly error: string };

type Options = {
  readonly certificate: Certificate;
  readonly host: string;
  /** The host name in the URLs of clients. */
  readonly name: string;
  /** 0: any free port. */
  readonly port: number;
  /** Google's clock, in milliseconds since 1970. */
  readonly clock: () => number;
  readonly answer: (form: URLSearchParams, tokenUri: string) => TokenResponse;
};

/** Google's OAuth token endpoint: HTTP/1.1 over TLS. */
export const startTokenEndpoint = async ({ certificate, host, name, port, clock, answer }: Options) => {
  const delays = createDelays();
  let fault: TokenFault | undefined;
  let requests = 0;
  let tokenUri = '';

  const handle = async (request: IncomingMessage, response: ServerResponse, form: Buffer): Promise<unknown> => {
    requests += 1;
    response.sendDate = false;
    response.setHeader('date', new Date(clock()).toUTCString());
    if (fault?.answer === 'slow') await delays.wait(Math.min(fault.ms, maxDelayMs));
    else if (fault) return simulate(fault, request, response);
    if (request.method !== 'POST' || request.url !== '/token') return response.writeHead(404).end();
    const { status, body } = answer(new URLSearchParams(form.toString()), tokenUri);
    return response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8' }).end(body);
  };

  const { origin, stop } = await startHttpsServer({ certificate, host, name, port, handle });
  tokenUri = `${origin}/token`;

  return {
    tokenUri,
    /** The number of requests, whatever the answer. */
    requests: () => requests,
    /** Simulates this fault from now on; `undefined` ends it. */
    playFault: (next: TokenFault | undefined): void => {
      fault = next;
    },
    /** Lets delayed requests go on at once. */
    endDelays: delays.endAll,
    stop: (): Promise<void> => {
      delays.endAll();
      return stop();
    },
  };
};

const simulate = (
  fault: Exclude<TokenFault, { answer: 'slow' }>,
  request: IncomingMessage,
  response: ServerResponse,
): unknown => {
  switch (fault.answer) {
    case 'reset':
      return request.socket.destroy();
    case 'silence':
      return undefined;
    case 'html':
      return response.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad Gateway</html>');
    case 'malformed':
      return response.writeHead(200, { 'content-type': 'application/json' }).end('{"access_token":7}');
    case 'unavailable':
      if (fault.retryAfter !== undefined) response.setHeader('retry-after', fault.retryAfter);
      return response.writeHead(503).end('{"error":"temporarily_unavailable"}');
    case 'refused':
      // RFC 6749 §5.2
      return response
        .writeHead(fault.error === 'invalid_client' ? 401 : 400)
        .end(JSON.stringify({ error: fault.error }));
    default:
      return fault satisfies never;
  }
};
