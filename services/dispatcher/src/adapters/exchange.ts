import type { IncomingHttpHeaders } from 'node:http';
import { createInFlight } from '@pushmesh/async';
import type { InFlight } from '@pushmesh/async';
import type { Dispatcher, Pool } from 'undici';

/** A complete HTTP response. */
export type HttpAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
};

export type Posting = Omit<Dispatcher.DispatchOptions, 'method'>;

type ReadLine = (line: string) => void;

/** Sees the head of a response. A reader that it returns gets each line of the body as it arrives. */
type OnHead = (head: Omit<HttpAnswer, 'body'>) => ReadLine | undefined;

/** Rejects an exchange whose response was not complete in time. */
export class AnswerTimeout extends Error {}

/** One request, and what has arrived of its response. */
type Exchange = {
  readonly deadline: number;
  readonly resolve: (answer: HttpAnswer) => void;
  readonly reject: (error: Error) => void;
  controller: Dispatcher.DispatchController | undefined;
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  readLine: ReadLine | undefined;
};

/**
 * Posts over a pool and collects the responses. undici's own `request` makes a stream, an abort signal and a timer for each
 * call, which together cost as much as the call; here one timer watches all deadlines. The timeouts of the pool apply
 * between two octets, so a response that drips would never meet them.
 */
export const createExchange = (pool: Pool, timeoutMs: number) => {
  const inFlight = createInFlight<Exchange>(Math.min(100, timeoutMs / 2), ({ reject, controller }) => {
    const timeout = new AnswerTimeout(`no complete response within ${timeoutMs} ms`);
    reject(timeout);
    controller?.abort(timeout);
  });

  return {
    /**
     * If `onHead` returns a reader, the body is what came after the last line.
     *
     * @throws {Error} undici's or the socket's, or `AnswerTimeout`
     */
    post: (posting: Posting, onHead?: OnHead): Promise<HttpAnswer> =>
      new Promise((resolve, reject) => {
        const exchange: Exchange = {
          deadline: performance.now() + timeoutMs,
          resolve,
          reject,
          controller: undefined,
          status: 0,
          headers: {},
          body: '',
          readLine: undefined,
        };
        pool.dispatch({ ...posting, method: 'POST' }, handlerOf(exchange, inFlight, onHead));
      }),
    close: async (): Promise<void> => {
      inFlight.stop();
      await pool.close();
    },
  };
};

const handlerOf = (
  exchange: Exchange,
  inFlight: InFlight<Exchange>,
  onHead: OnHead | undefined,
): Dispatcher.DispatchHandler => {
  const slot = inFlight.add(exchange);
  const isInFlight = (): boolean => inFlight.at(slot) === exchange;
  return {
    onRequestStart: (controller) => {
      exchange.controller = controller;
      // Its time may have run out while it waited for a connection.
      if (!isInFlight()) controller.abort(new AnswerTimeout());
    },
    onResponseStart: (_controller, status, headers) => {
      exchange.status = status;
      exchange.headers = headers;
      exchange.readLine = onHead?.({ status, headers });
    },
    onResponseData: (_controller, chunk) => {
      exchange.body += chunk.toString();
      if (exchange.readLine) readLines(exchange, exchange.readLine);
    },
    onResponseEnd: () => {
      if (isInFlight()) inFlight.free(slot);
      const { status, headers, body } = exchange;
      exchange.resolve({ status, headers, body });
    },
    onResponseError: (_controller, error) => {
      if (isInFlight()) inFlight.free(slot);
      exchange.reject(error);
    },
  };
};

/** Hands on the complete lines; keeps the beginning of the next one. */
const readLines = (exchange: Exchange, readLine: ReadLine): void => {
  const lines = exchange.body.split('\n');
  exchange.body = lines.pop() ?? '';
  for (const line of lines) readLine(line);
};
