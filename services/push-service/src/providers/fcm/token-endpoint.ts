import { request } from 'node:https';
import type { IncomingMessage } from 'node:http';

/** What came of a request to the token endpoint. */
export type TokenAnswer =
  | {
      readonly type: 'answer';
      readonly status: number;
      readonly headers: Readonly<Record<string, string | undefined>>;
      readonly body: string;
    }
  /** `reason` is an error code of Node or OpenSSL. */
  | { readonly type: 'fault'; readonly reason: string };

/** Posts a form; network faults are values. */
export type TokenEndpoint = (uri: string, form: URLSearchParams) => Promise<TokenAnswer>;

type Options = {
  /** Milliseconds for the connection and the whole answer. */
  readonly timeoutMs: number;
  /** PEM certificates to trust instead of those that Node.js ships with. */
  readonly ca?: string;
};

/** An answer with a token has about 1 KiB; the beginning of a longer one says enough. */
const maxAnswerBytes = 65_536;

/** The token endpoint of OAuth 2.0 (RFC 6749 §3.2). It is asked once an hour, so each request has its own connection. */
export const createTokenEndpoint =
  ({ timeoutMs, ca }: Options): TokenEndpoint =>
  async (uri, form) => {
    try {
      const response = await post(uri, form.toString(), { timeoutMs, ...(ca !== undefined && { ca }) });
      const { date, 'retry-after': retryAfter } = response.headers;
      const headers = { date, 'retry-after': retryAfter };
      return { type: 'answer', status: response.statusCode ?? 0, headers, body: await textOf(response) };
    } catch (error) {
      const { code, name } = error as NodeJS.ErrnoException;
      return { type: 'fault', reason: typeof code === 'string' ? code : name };
    }
  };

const post = (uri: string, body: string, { timeoutMs, ca }: Options): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(body),
      accept: 'application/json',
    };
    request(uri, {
      method: 'POST',
      headers,
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
      ...(ca !== undefined && { ca }),
    })
      .on('response', resolve)
      .on('error', reject)
      // To Node.js a 101 is neither.
      .on('close', () => reject(new Error('the token endpoint ended the connection')))
      .end(body);
  });

const textOf = async (response: IncomingMessage): Promise<string> => {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    text += String(chunk);
    if (text.length > maxAnswerBytes) break;
  }
  return text;
};
