import { unregisteredAtHeader } from '@pushmesh/contracts';
import { errors } from 'undici';
import type { PushApiFault, PushApiReply } from '../domain/verdict.ts';
import { AnswerTimeout } from './exchange.ts';
import type { HttpAnswer } from './exchange.ts';

export const toAnswer = ({ status, headers, body }: HttpAnswer): PushApiReply => ({
  status,
  headers: hintsOf(headers),
  body: parseBody(body),
});

/** The two headers that say more than the status. */
const hintsOf = (headers: HttpAnswer['headers']): Readonly<Record<string, string | undefined>> => ({
  'retry-after': single(headers['retry-after']),
  [unregisteredAtHeader]: single(headers[unregisteredAtHeader]),
});

export const single = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value[0] : value;

/** `undefined` for a body that is not JSON, such as a proxy's page; `null` for an empty one, as MongoosePush sometimes sends. */
export const parseBody = (text: string): unknown => {
  try {
    return text === '' ? null : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
};

/** The word for an exchange that ended without a complete response. */
export const faultOf = (error: unknown): PushApiFault => {
  const { code } = error as { code?: string };
  if (code === 'ECONNREFUSED') return 'refused';
  if (code === 'ECONNRESET' || error instanceof errors.SocketError) return 'reset';
  if (error instanceof AnswerTimeout || code?.includes('TIMEOUT')) return 'timeout';
  // One side does not accept the other's certificate, in OpenSSL's words or Node's.
  if (code && /^ERR_(SSL|TLS)_|CERT|SIGNATURE/.test(code)) return 'tls';
  return 'unreachable';
};
