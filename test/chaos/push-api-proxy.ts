import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { linesOfJson, notificationsHeader } from '@pushmesh/contracts';

/** How the push API can fail. */
export type PushApiFault = 'refusing' | 'failing' | 'throttling' | 'slow' | 'resetting' | 'half failing';

export type PushApiProxy = {
  /** What the dispatchers call in place of push-service. */
  readonly url: string;
  /** Answers of push-service whose dispatcher had given up or was gone. Their pushes are sent again. */
  undeliveredAnswers(): number;
  /** Fails in this way from now on; `undefined` ends the fault. */
  inject(fault: PushApiFault | undefined): Promise<void>;
  clear(): void;
  stop(): void;
};

const forwardedHeaders = ['content-type', 'retry-after', notificationsHeader];
const lineFeed = 10;
const slowMs = 30_000;
const retryAfterSeconds = 2;

/** An HTTP proxy between the dispatchers and push-service that can fail. */
export const startPushApiProxy = async (port: number, pushService: string): Promise<PushApiProxy> => {
  let fault: PushApiFault | undefined;
  let requests = 0;
  let undelivered = 0;

  const forward = async (request: IncomingMessage, response: ServerResponse, body: string): Promise<void> => {
    const headers = { 'content-type': 'application/json', traceparent: String(request.headers['traceparent']) };
    try {
      const answer = await fetch(pushService + request.url, { method: 'POST', headers, body });
      for (const name of forwardedHeaders) {
        const value = answer.headers.get(name);
        if (value !== null) response.setHeader(name, value);
      }
      response.writeHead(answer.status);
      const inLines = answer.headers.get('content-type') === linesOfJson;
      for await (const part of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
        if (request.socket.destroyed) undelivered += part.filter((octet) => octet === lineFeed).length;
        response.write(part);
      }
      // A batch is answered with one line for each push; the answer to a single push has no line feed.
      if (request.socket.destroyed && !inLines) undelivered += 1;
      response.end();
    } catch {
      request.socket.resetAndDestroy();
    }
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    requests += 1;
    const body = await text(request);
    switch (fault) {
      case 'refusing':
      case 'resetting':
        request.socket.resetAndDestroy();
        return;
      case 'failing':
        refuse(response, 503, 'service_internal');
        return;
      case 'throttling':
        refuse(response, 429, 'too_many_requests', { 'retry-after': String(retryAfterSeconds) });
        return;
      case 'half failing':
        if (requests % 2 === 0) refuse(response, 503, 'service_internal');
        else await forward(request, response, body);
        return;
      case 'slow':
        await sleep(slowMs, undefined, { ref: false });
        // The dispatcher has given up.
        if (request.socket.destroyed) return;
        await forward(request, response, body);
        return;
      case undefined:
        await forward(request, response, body);
    }
  };

  const server = createServer((request, response) => {
    answer(request, response).catch(() => request.socket.destroy());
  });
  const listen = () => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  await listen();

  return {
    url: `http://127.0.0.1:${port}`,
    undeliveredAnswers: () => undelivered,
    inject: async (next) => {
      const wasRefusing = fault === 'refusing';
      fault = next;
      if (next === 'refusing') {
        server.close();
        server.closeAllConnections();
      } else if (wasRefusing) await listen();
    },
    clear: () => {
      undelivered = 0;
    },
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};

const refuse = (response: ServerResponse, status: number, reason: string, headers = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify({ reason }));
};
