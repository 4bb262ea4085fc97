import { createBatcher, endOfTurn } from '@pushmesh/async';
import { notificationsHeader, notificationsPerRequest } from '@pushmesh/contracts';
import { Pool } from 'undici';
import type { PushRequest } from '../domain/request.ts';
import type { PushApiAnswer } from '../domain/verdict.ts';
import { createExchange } from './exchange.ts';
import { createNotifications } from './notifications.ts';
import type { Sending } from './notifications.ts';
import { faultOf, toAnswer } from './push-api-answer.ts';

export type PushApiOptions = {
  readonly url: string;
  readonly timeoutMs: number;
  /** The most connections, and with them the most HTTP requests at a time. */
  readonly connections: number;
  readonly ca: string | undefined;
  readonly verify: boolean;
  /** The bearer token that the push API requires (RFC 6750). */
  readonly token?: string;
  /** Our own certificate and its key, PEM, if the push API requires one. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** Called when several requests in one are refused with this status: for a while each is sent alone. Once for each while. */
  readonly onNotTaken: (status: number) => void;
};

/** How long each request is sent alone after several in one were refused, though the push API says that it takes them. */
const notTakenMs = 60_000;

/** The most bytes of a response that are read: an answer has a few hundred, and there are at most 32. */
const maxAnswerBytes = 65_536;

/**
 * The MongoosePush HTTP API over a bounded pool of HTTP/1.1 connections, without pipelining: a POST must not be repeated.
 * push-service says with its answers that it takes several notifications at once; then the requests of one turn of the event
 * loop are sent in one.
 */
export const createPushApiClient = (options: PushApiOptions) => {
  const { url, timeoutMs, connections, ca, verify, token, certificate, onNotTaken } = options;
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

  let takesSeveral = false;
  let notBefore = 0;

  const alone = async ({ request, traceparent }: Sending): Promise<PushApiAnswer> => {
    const { version, deviceId, body } = request;
    try {
      const answer = await exchange.post({
        path: `${base}/${version}/notification/${encodeURIComponent(deviceId)}`,
        headers: { ...fixed, traceparent },
        body: JSON.stringify(body),
      });
      takesSeveral = Number(answer.headers[notificationsHeader]) >= notificationsPerRequest;
      return toAnswer(answer);
    } catch (error) {
      return { fault: faultOf(error) };
    }
  };

  const together = createNotifications({
    exchange,
    path: `${base}/v3/notifications`,
    headers: fixed,
    alone,
    onNotTaken: (status) => {
      if (performance.now() < notBefore) return;
      notBefore = performance.now() + notTakenMs;
      onNotTaken(status);
    },
  });

  const add = createBatcher<Sending, readonly Promise<PushApiAnswer>[]>(notificationsPerRequest, async (take) => {
    await endOfTurn();
    const sendings = take();
    return sendings.length > 1 ? together(sendings) : sendings.map(alone);
  });

  return {
    /** Sends one request; any failure on the way is an answer. */
    post: async (request: PushRequest, traceparent: string): Promise<PushApiAnswer> => {
      const sending = { request, traceparent };
      if (request.version !== 'v3' || !takesSeveral || performance.now() < notBefore) return alone(sending);
      const { index, outcome } = await add(sending);
      return outcome[index] as Promise<PushApiAnswer>;
    },
    close: exchange.close,
  };
};
