import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Certificate } from '../tls.ts';
import { startHttpsServer } from '../https-server.ts';
import type { TokenResponse } from './token-issuer.ts';

/** What the token endpoint does instead of answering. */
export type TokenFault =
  | { readonly answer: 'reset' | 'silence' | 'html' | 'malformed' }
  | { readonly answer: 'slow'; readonly ms: number }
  | { readonly answer: 'unavailable'; readonly status?: number; readonly retryAfter?: string }
  | { readonly answer: 'refused'; readonly error: string };

type Options = {
  readonly certificate: Certificate;
  readonly host: string;
  readonly name: string;
  /** 0: any free one. */
  readonly port: number;
  /** Milliseconds since 1970, by the clock of Google. */
  readonly clock: () => number;
  readonly answer: (form: URLSearchParams, tokenUri: string) => TokenResponse;
};

/** The OAuth token endpoint of the fake: HTTPS with HTTP/1.1. */
export const startTokenServer = async ({ certificate, host, name, port, clock, answer }: Options) => {
  let fault: TokenFault | undefined;
  let requests = 0;
  let tokenUri = '';

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<unknown> => {
    requests += 1;
    response.sendDate = false;
    response.setHeader('date', new Date(clock()).toUTCString());
    const form = new URLSearchParams(await textOf(request));
    if (fault?.answer === 'slow') await new Promise((resolve) => setTimeout(resolve, (fault as { ms: number }).ms));
    else if (fault) return play(fault, request, response);
    if (request.method !== 'POST' || request.url !== '/token') return response.writeHead(404).end();
    const { status, body } = answer(form, tokenUri);
    return response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8' }).end(body);
  };

  const { origin, stop } = await startHttpsServer({ certificate, host, name, port, handle });
  tokenUri = `${origin}/token`;

  return {
    tokenUri,
    /** How often it was asked. */
    requests: () => requests,
    playFault: (next: TokenFault | undefined): void => {
      fault = next;
    },
    stop,
  };
};

const play = (
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
      return response.writeHead(fault.status ?? 503).end('{"error":"temporarily_unavailable"}');
    case 'refused':
      return response.writeHead(400).end(JSON.stringify({ error: fault.error }));
    default:
      return fault satisfies never;
  }
};

const textOf = async (request: IncomingMessage): Promise<string> => {
  let text = '';
  request.setEncoding('utf8');
  for await (const chunk of request) text += String(chunk);
  return text;
};
