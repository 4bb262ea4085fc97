import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher, Pool } from 'undici';

/** A whole HTTP answer. */
export type HttpAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
};

export type Posting = Omit<Dispatcher.DispatchOptions, 'method'>;

/** Rejects an exchange whose answer was not complete in time. */
export class AnswerTimeout extends Error {}

type UnderWay = { readonly deadline: number; abort(reason: Error): void };

/**
 * Posts over a pool and collects each answer. undici’s own `request` makes a stream, an abort signal and a timer for every
 * call, which together cost as much as the call; here one timer watches all deadlines. The pool’s own timeouts are between
 * octets; an answer that drips would never meet them.
 */
export const createExchange = (pool: Pool, timeoutMs: number) => {
  const underWay = new Set<UnderWay>();
  const sweep = setInterval(
    () => {
      const now = performance.now();
      for (const each of underWay) {
        // All take equally long at most, so the first that is not due ends the sweep.
        if (each.deadline > now) return;
        each.abort(new AnswerTimeout(`no whole answer within ${timeoutMs} ms`));
      }
    },
    Math.min(100, timeoutMs / 2),
  );
  sweep.unref();

  return {
    /** @throws {Error} undici’s or the socket’s, or `AnswerTimeout` */
    post: (posting: Posting): Promise<HttpAnswer> =>
      new Promise((resolve, reject) => {
        let controller: Dispatcher.DispatchController | undefined;
        let status = 0;
        let headers: IncomingHttpHeaders = {};
        let body = '';
        const entry: UnderWay = {
          deadline: performance.now() + timeoutMs,
          abort: (reason) => {
            fail(reason);
            controller?.abort(reason);
          },
        };
        const fail = (error: Error): void => {
          underWay.delete(entry);
          reject(error);
        };
        underWay.add(entry);
        pool.dispatch(
          { ...posting, method: 'POST' },
          {
            onRequestStart: (started) => {
              controller = started;
              // Its time went by while it waited for a connection.
              if (!underWay.has(entry)) started.abort(new AnswerTimeout());
            },
            onResponseStart: (_controller, statusCode, answered) => {
              status = statusCode;
              headers = answered;
            },
            onResponseData: (_controller, chunk) => {
              body += chunk.toString();
            },
            onResponseEnd: () => {
              underWay.delete(entry);
              resolve({ status, headers, body });
            },
            onResponseError: (_controller, error) => fail(error),
          },
        );
      }),
    close: async (): Promise<void> => {
      clearInterval(sweep);
      await pool.close();
    },
  };
};
