import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher, Pool } from 'undici';

/** A whole HTTP answer. */
export type HttpAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
};

export type Posting = Omit<Dispatcher.DispatchOptions, 'method'>;

type ReadLine = (line: string) => void;

/** Rejects an exchange whose answer was not complete in time. */
export class AnswerTimeout extends Error {}

/** `place` is where it stands among those under way; `ended` when it no longer does. */
type UnderWay = { readonly deadline: number; place: number | 'ended'; abort(reason: Error): void };

/**
 * Posts over a pool and collects each answer. undici’s own `request` makes a stream, an abort signal and a timer for every
 * call, which together cost as much as the call; here one timer watches all deadlines. The pool’s own timeouts are between
 * octets; an answer that drips would never meet them.
 */
export const createExchange = (pool: Pool, timeoutMs: number) => {
  // No Set: what goes through one by the thousand each second outlives its exchange, see `createSlots` of libs/bus.
  const underWay: UnderWay[] = [];
  const end = (entry: UnderWay): void => {
    const { place } = entry;
    const last = underWay.at(-1);
    if (place === 'ended' || !last) return;
    underWay[place] = last;
    last.place = place;
    underWay.pop();
    entry.place = 'ended';
  };
  const sweep = setInterval(
    () => {
      const now = performance.now();
      for (const each of underWay.filter(({ deadline }) => deadline <= now))
        each.abort(new AnswerTimeout(`no whole answer within ${timeoutMs} ms`));
    },
    Math.min(100, timeoutMs / 2),
  );
  sweep.unref();

  return {
    /**
     * `takes` sees the head of the answer: the reader that it gives gets each line of the body as it comes, and the body is then
     * what stood after the last of them.
     *
     * @throws {Error} undici’s or the socket’s, or `AnswerTimeout`
     */
    post: (posting: Posting, takes?: (head: Omit<HttpAnswer, 'body'>) => ReadLine | undefined): Promise<HttpAnswer> =>
      new Promise((resolve, reject) => {
        let controller: Dispatcher.DispatchController | undefined;
        let status = 0;
        let headers: IncomingHttpHeaders = {};
        let body = '';
        let readLine: ReadLine | undefined;
        const entry: UnderWay = {
          deadline: performance.now() + timeoutMs,
          place: underWay.length,
          abort: (reason) => {
            fail(reason);
            controller?.abort(reason);
          },
        };
        const fail = (error: Error): void => {
          end(entry);
          reject(error);
        };
        underWay.push(entry);
        pool.dispatch(
          { ...posting, method: 'POST' },
          {
            onRequestStart: (started) => {
              controller = started;
              // Its time went by while it waited for a connection.
              if (entry.place === 'ended') started.abort(new AnswerTimeout());
            },
            onResponseStart: (_controller, statusCode, answered) => {
              status = statusCode;
              headers = answered;
              readLine = takes?.({ status, headers });
            },
            onResponseData: (_controller, chunk) => {
              body += chunk.toString();
              if (!readLine) return;
              const lines = body.split('\n');
              body = lines.pop() ?? '';
              for (const line of lines) readLine(line);
            },
            onResponseEnd: () => {
              end(entry);
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
