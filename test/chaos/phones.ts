import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { linesOfJson, notificationsHeader } from '@pushmesh/contracts';
import { createFakeAuthority, createFakeServiceAccount, startFakeFcm } from '@pushmesh/fakes';

/** What a push API can do wrong. */
export type ApiFault = 'refusing' | 'failing' | 'throttling' | 'slow' | 'resetting' | 'half failing';

/** How often a phone showed a text, and when first (milliseconds since 1970). */
export type Shown = { times: number; readonly at: number };

/** Both sides of push-service: the API that the dispatchers call, and what phones show. */
export type Phones = {
  /** The push API for the dispatchers, with its faults. */
  readonly url: string;
  /** Variables of push-service. */
  readonly pushService: Readonly<Record<string, string>>;
  readonly shown: ReadonlyMap<string, Shown>;
  /** Answers of push-service that reached nobody: the dispatcher had given up, or was gone. Those pushes come again. */
  unheard(): number;
  play(fault: ApiFault | undefined): Promise<void>;
  forget(): void;
  close(): Promise<void>;
};

const handedOn = ['content-type', 'retry-after', notificationsHeader];
const lineFeed = 10;
const slowMs = 30_000;
const retryAfterSeconds = 2;

/**
 * The phones stand behind a fake of FCM in this process, where no kill reaches them: what they show is counted there.
 * The faults of the push API are played in front of push-service.
 */
export const startPhones = async (dataDir: string, port: number, pushService: string): Promise<Phones> => {
  const shown = new Map<string, Shown>();
  let fault: ApiFault | undefined;
  let count = 0;
  let unheard = 0;

  const authority = createFakeAuthority();
  const fcm = await startFakeFcm({
    certificate: authority.issue('fake FCM'),
    onDelivered: ({ message, at }) => {
      const body = message.android?.notification?.body ?? '';
      const before = shown.get(body);
      if (before) before.times += 1;
      else shown.set(body, { times: 1, at });
    },
  });
  const account = createFakeServiceAccount({ projectId: 'chaos', tokenUri: fcm.tokenUri });
  fcm.tokens.trust(account);
  const [caFile, accountFile] = [join(dataDir, 'ca.pem'), join(dataDir, 'fcm.json')];
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(caFile, authority.ca);
  writeFileSync(accountFile, account.json, { mode: 0o600 });
  const { hostname, port: fcmPort } = new URL(fcm.origin);

  const hand = async (request: IncomingMessage, response: ServerResponse, body: string): Promise<void> => {
    const headers = { 'content-type': 'application/json', traceparent: String(request.headers['traceparent']) };
    try {
      const answer = await fetch(pushService + request.url, { method: 'POST', headers, body });
      for (const name of handedOn) {
        const value = answer.headers.get(name);
        if (value !== null) response.setHeader(name, value);
      }
      response.writeHead(answer.status);
      const inLines = answer.headers.get('content-type') === linesOfJson;
      for await (const part of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
        if (request.socket.destroyed) unheard += part.filter((octet) => octet === lineFeed).length;
        response.write(part);
      }
      // Several are answered in lines; one alone has no line’s end.
      if (request.socket.destroyed && !inLines) unheard += 1;
      response.end();
    } catch {
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
    pushService: {
      PUSH_FCM_ENABLED: 'true',
      PUSH_FCM_APP_FILE: accountFile,
      PUSH_FCM_ENDPOINT: hostname,
      PUSH_FCM_PORT: fcmPort,
      NODE_EXTRA_CA_CERTS: caFile,
    },
    shown,
    unheard: () => unheard,
    play: async (next) => {
      const wasRefusing = fault === 'refusing';
      fault = next;
      if (next === 'refusing') {
        server.close();
        server.closeAllConnections();
      } else if (wasRefusing) await listen();
    },
    forget: () => {
      shown.clear();
      unheard = 0;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await fcm.stop();
    },
  };
};
