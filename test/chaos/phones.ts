import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a push API can do wrong. */
export const apiFaults = ['refusing', 'failing', 'throttling', 'slow', 'resetting', 'half failing'] as const;
export type ApiFault = (typeof apiFaults)[number];

/** How often a phone may have shown a text, and when first (milliseconds since 1970). */
export type Shown = { times: number; readonly at: number };

/** The push API as the dispatchers see it. */
export type Phones = {
  readonly url: string;
  readonly shown: ReadonlyMap<string, Shown>;
  /** Requests that came, whatever they were answered. */
  requests(): number;
  play(fault: ApiFault | undefined): Promise<void>;
  forget(): void;
  close(): void;
};

const slowMs = 30_000;
export const retryAfterSeconds = 2;

/**
 * Stands between the dispatchers and push-service, plays faults, and writes down what phones showed. It counts at the
 * worst: a push that was handed to push-service and got no answer may have been shown.
 */
export const startPhones = async (port: number, pushService: string): Promise<Phones> => {
  const shown = new Map<string, Shown>();
  let fault: ApiFault | undefined;
  let count = 0;

  const hand = async (request: IncomingMessage, response: ServerResponse, body: string): Promise<void> => {
    const note = (): void => {
      const { alert } = JSON.parse(body) as { alert?: { body: string } };
      const key = alert?.body ?? '';
      const before = shown.get(key);
      if (before) before.times += 1;
      else shown.set(key, { times: 1, at: Date.now() });
    };
    try {
      const answer = await fetch(pushService + request.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      const words = await answer.text();
      if (answer.ok) note();
      const retryAfter = answer.headers.get('retry-after');
      response.writeHead(answer.status, {
        'content-type': 'application/json',
        ...(retryAfter && { 'retry-after': retryAfter }),
      });
      response.end(words);
    } catch (error) {
      const { code } = (error as { cause?: { code?: string } }).cause ?? {};
      if (code !== 'ECONNREFUSED') note();
      request.socket.resetAndDestroy();
    }
  };

  const refuse = (response: ServerResponse, status: number, reason: string, headers = {}): void => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify({ reason }));
  };

  const server = createServer((request, response) => {
    void (async () => {
      count += 1;
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
          if (count % 2 === 0) refuse(response, 503, 'service_internal');
          else await hand(request, response, body);
          return;
        case 'slow':
          await sleep(slowMs, undefined, { ref: false });
          // Nobody waits for it any more.
          if (request.socket.destroyed) return;
          await hand(request, response, body);
          return;
        case undefined:
          await hand(request, response, body);
      }
    })().catch(() => request.socket.destroy());
  });
  const listen = () => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  await listen();

  return {
    url: `http://127.0.0.1:${port}`,
    shown,
    requests: () => count,
    play: async (next) => {
      const wasRefusing = fault === 'refusing';
      fault = next;
      if (next === 'refusing') {
        server.close();
        server.closeAllConnections();
      } else if (wasRefusing) await listen();
    },
    forget: () => shown.clear(),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
