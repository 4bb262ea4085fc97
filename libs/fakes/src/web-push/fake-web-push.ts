import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { behaviourOf } from '../behaviour.ts';
import type { Behaviour } from '../behaviour.ts';
import { createDelays, randomBetween } from '../delays.ts';
import type { Certificate } from '../fake-authority.ts';
import { createFaults } from '../fault.ts';
import type { Faults } from '../fault.ts';
import { startHttpsServer } from '../https-server.ts';
import { decrypt } from './decryption.ts';
import type { WebPushDelivery } from './delivery.ts';
import { simulatedAnswer } from './simulated-answer.ts';
import type { WebPushReply } from './simulated-answer.ts';
import { createSubscriptions } from './subscriptions.ts';
import { checkVapid } from './vapid-check.ts';

/** A simulated outage, for all devices. */
export type WebPushFault =
  | { readonly answer: 'reset' | 'silence' }
  | { readonly answer: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> };

type Options = {
  readonly certificate: Certificate;
  readonly host?: string;
  /** The host name in the URLs of clients. */
  readonly name?: string;
  /** 0: any free port. */
  readonly port?: number;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
  readonly faults?: Faults;
  /** Beyond this number, the oldest is forgotten; 10,000 if absent. */
  readonly maxSubscriptions?: number;
  readonly onDelivered?: (delivery: WebPushDelivery) => void;
  /** A valid message that the simulated behaviour refused. */
  readonly onRefused?: (delivery: WebPushDelivery, behaviour: Behaviour) => void;
};

/**
 * A fake of a Web Push service (RFC 8030) and of the user agents behind it: it checks VAPID (RFC 8292) and the header
 * fields, and decrypts the message (RFC 8291). The prefix of the device's name selects a simulated answer (`behaviourOf`).
 */
export const startFakeWebPush = async (options: Options) => {
  const { certificate, host = '127.0.0.1', name = 'localhost', port = 0, maxSubscriptions = 10_000 } = options;
  const { clock = Date.now, faults = createFaults(), onDelivered = () => {}, onRefused = () => {} } = options;
  const subscriptions = createSubscriptions(maxSubscriptions);
  const delays = createDelays();
  let fault: WebPushFault | undefined;
  let origin = '';
  let requests = 0;

  const accept = async (delivery: WebPushDelivery): Promise<WebPushReply> => {
    const { device } = delivery;
    const behaviour =
      faults.behaviourFor({ service: 'webpush', mode: undefined, token: device }) ?? behaviourOf(device);
    if (behaviour.type === 'slow') await delays.wait(randomBetween(behaviour.ms, behaviour.mostMs));
    if (behaviour.type === 'drip') await delays.wait(behaviour.ms);
    const refusal = simulatedAnswer(behaviour, delivery, clock());
    if (refusal) {
      onRefused(delivery, behaviour);
      return refusal;
    }
    onDelivered(delivery);
    return { status: 201, headers: { location: `${origin}/message/${randomBytes(8).toString('hex')}` } };
  };

  const reply = async (request: IncomingMessage, body: Buffer): Promise<WebPushReply> => {
    if (fault) return fault.answer === 'status' ? fault : fault.answer;
    const device = deviceOf(request.url ?? '');
    const subscription = subscriptions.get(device);
    if (!subscription || request.method !== 'POST') return { status: 404 };
    const { applicationServerKey } = subscription;
    const status =
      checkVapid(request.headers.authorization, {
        origin,
        now: clock(),
        ...(applicationServerKey !== undefined && { applicationServerKey }),
      }) ?? checkRequest(request, body);
    if (status !== undefined) return { status };
    const plaintext = decrypt(body, subscription);
    // A real push service cannot tell, and the user agent would drop the message.
    if (!plaintext) return { status: 400 };
    return accept({ device, text: plaintext.toString(), at: clock(), ...headerFieldsOf(request) });
  };

  const handle = async (request: IncomingMessage, response: ServerResponse, body: Buffer): Promise<void> => {
    requests += 1;
    send(await reply(request, body), request, response);
  };

  const server = await startHttpsServer({ certificate, host, name, port, handle });
  origin = server.origin;

  return {
    origin,
    /**
     * Replaces the subscription of this device.
     *
     * @returns the JSON text of a `PushSubscription`, which a browser would give to the app's server
     */
    subscribe: (device: string, applicationServerKey?: string): string => {
      const keys = subscriptions.add(device, applicationServerKey);
      return JSON.stringify({ endpoint: `${origin}/push/${encodeURIComponent(device)}`, expirationTime: null, keys });
    },
    /** Forgets all subscriptions. */
    forgetSubscriptions: subscriptions.clear,
    /** The number of requests, whatever the answer. */
    requests: () => requests,
    /** Simulates this fault from now on; `undefined` ends it. */
    playFault: (next: WebPushFault | undefined): void => {
      fault = next;
    },
    /** Lets delayed requests go on at once. */
    endDelays: delays.endAll,
    stop: (): Promise<void> => {
      delays.endAll();
      return server.stop();
    },
  };
};

/** The status of an invalid request; `undefined` for a valid one (RFC 8030 §5, RFC 8291 §4). */
const checkRequest = ({ headers }: IncomingMessage, body: Buffer): 400 | 413 | 415 | undefined => {
  if (!/^\d+$/.test(String(headers['ttl']))) return 400;
  if (!urgencies.has(headers['urgency']?.toString())) return 400;
  if (!/^[\w-]{1,32}$/.test(headers['topic']?.toString() ?? '-')) return 400;
  if (headers['content-encoding'] !== 'aes128gcm') return 415;
  // A push service must accept 4096 bytes (RFC 8030 §7.2); this one accepts no more.
  return body.length > 4096 ? 413 : undefined;
};

const urgencies: ReadonlySet<string | undefined> = new Set(['very-low', 'low', 'normal', 'high', undefined]);

const headerFieldsOf = ({ headers: { ttl, urgency, topic } }: IncomingMessage) => ({
  ttl: Number(ttl),
  ...(urgency !== undefined && { urgency: String(urgency) }),
  ...(topic !== undefined && { topic: String(topic) }),
});

/** The device in the path of an endpoint; empty if it is not an endpoint. */
const deviceOf = (path: string): string => {
  try {
    return decodeURIComponent(/^\/push\/([^/]+)$/.exec(path)?.[1] ?? '');
  } catch {
    return '';
  }
};

const send = (reply: WebPushReply, request: IncomingMessage, response: ServerResponse): void => {
  if (reply === 'silence') return;
  if (reply === 'reset') return void request.socket.destroy();
  if (reply === 'break') return void response.writeHead(201).write('{', () => request.socket.destroy());
  response.writeHead(reply.status, reply.headers).end(reply.body);
};
