import { unregisteredAtHeader } from '@pushmesh/contracts';
import { errors, Pool } from 'undici';
import type { PushRequest } from '../domain/request.ts';
import type { PushApiAnswer } from '../domain/verdict.ts';
import { AnswerTimeout, createExchange } from './exchange.ts';
import type { HttpAnswer } from './exchange.ts';

export type PushApiOptions = {
  readonly url: string;
  readonly timeoutMs: number;
  /** The most connections, and with them the most requests at a time. */
  readonly connections: number;
  readonly ca: string | undefined;
  readonly verify: boolean;
  /** The bearer token that the push API asks for (RFC 6750). */
  readonly token?: string;
  /** Our own certificate and its key, PEM, where the push API asks for one. */
  readonly certificate?: { readonly cert: string; readonly key: string };
};

/** Most bytes of an answer that are read; MongoosePush’s longest is a few hundred. */
const maxAnswerBytes = 65_536;

/** The MongoosePush HTTP API over a bounded pool of HTTP/1.1 connections, without pipelining: a POST must not be repeated. */
export const createPushApiClient = (options: PushApiOptions) => {
  const { url, timeoutMs, connections, ca, verify, token, certificate } = options;
  const pool = new Pool(new URL(url).origin, {
    connections,
    pipelining: 1,
    allowH2: false,
    connect: { timeout: timeoutMs, rejectUnauthorized: verify, ...(ca !== undefined && { ca }), ...certificate },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: 4_000,
    maxResponseSize: maxAnswerBytes,
  });
  const exchange = createExchange(pool, timeoutMs);
  const base = new URL(url).pathname.replace(/\/$/, '');
  const fixed = {
    'content-type': 'application/json',
    accept: 'application/json',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };

  return {
    /** Sends one request; whatever happens on the way is an answer. */
    post: async ({ path, body }: PushRequest, traceparent: string): Promise<PushApiAnswer> => {
      try {
        const answer = await exchange.post({
          path: base + path,
          headers: { ...fixed, traceparent },
          body: JSON.stringify(body),
        });
        return { status: answer.status, headers: hintsOf(answer.headers), body: parse(answer.body) };
      } catch (error) {
        return { fault: faultOf(error) };
      }
    },
    close: exchange.close,
  };
};

/** The two headers that say more than the status; there is no need to read the others. */
const hintsOf = (headers: HttpAnswer['headers']): Readonly<Record<string, string | undefined>> => ({
  'retry-after': single(headers['retry-after']),
  [unregisteredAtHeader]: single(headers[unregisteredAtHeader]),
});

const single = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);

/** `undefined` for what is no JSON, such as the page of a proxy; MongoosePush leaves some bodies empty. */
const parse = (text: string): unknown => {
  try {
    return text === '' ? null : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
};

const faultOf = (error: unknown): Extract<PushApiAnswer, { fault: unknown }>['fault'] => {
  const { code } = error as { code?: string };
  if (code === 'ECONNREFUSED') return 'refused';
  if (code === 'ECONNRESET' || error instanceof errors.SocketError) return 'reset';
  if (error instanceof AnswerTimeout || code?.includes('TIMEOUT')) return 'timeout';
  // One side does not take the other’s certificate: OpenSSL’s words for it, or Node’s.
  if (code && /^ERR_(SSL|TLS)_|CERT|SIGNATURE/.test(code)) return 'tls';
  return 'unreachable';
};
