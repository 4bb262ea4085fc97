import { createECDH, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { actOf } from '../behaviour.ts';
import type { Act } from '../behaviour.ts';
import { createFaults } from '../fault.ts';
import type { Faults } from '../fault.ts';
import { startHttpsServer } from '../https-server.ts';
import { between, createPause } from '../delays.ts';
import type { Certificate } from '../fake-authority.ts';
import { decrypt } from './decryption.ts';
import type { UserAgentKeys } from './decryption.ts';
import { refusalOf } from './simulated-answer.ts';
import type { Reply } from './simulated-answer.ts';
import { wrongVapid } from './vapid-check.ts';

/** A message that an app got. */
export type WebPushDelivery = {
  readonly device: string;
  readonly text: string;
  /** Seconds. */
  readonly ttl: number;
  readonly urgency?: string;
  readonly topic?: string;
  /** Milliseconds since 1970. */
  readonly at: number;
};

/** An outage to play, whichever device a message is for. */
export type WebPushFault =
  | { readonly answer: 'reset' | 'silence' }
  | { readonly answer: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> };

type Options = {
  readonly certificate: Certificate;
  readonly host?: string;
  /** What clients call it. */
  readonly name?: string;
  /** 0: any free one. */
  readonly port?: number;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
  readonly faults?: Faults;
  /** Before the eldest is forgotten; 10,000 when absent. */
  readonly maxSubscriptions?: number;
  readonly onDelivered?: (delivery: WebPushDelivery) => void;
  /** A message that was right but for what is played on it. */
  readonly onRefused?: (delivery: WebPushDelivery, act: Act) => void;
};

type Subscribed = UserAgentKeys & { readonly applicationServerKey?: string };
/**
 * Stands for a push service (RFC 8030) on a free port of the loopback and for the user agents behind it: checks VAPID and
 * the header fields, and decrypts what came.
 */
export const startFakePushService = async (options: Options) => {
  const {
    certificate,
    host = '127.0.0.1',
    name = 'localhost',
    port = 0,
    clock = Date.now,
    maxSubscriptions = 10_000,
    onDelivered = () => {},
    onRefused = () => {},
    faults = createFaults(),
  } = options;
  const subscribed = new Map<string, Subscribed>();
  const pause = createPause();
  let fault: WebPushFault | undefined;
  let origin = '';
  let requests = 0;

  const reply = async (request: IncomingMessage, body: Buffer): Promise<Reply> => {
    if (fault) return fault.answer === 'status' ? fault : fault.answer;
    const device = deviceOf(request.url ?? '');
    const subscription = subscribed.get(device);
    if (!subscription || request.method !== 'POST') return { status: 404 };
    const status = wrongCredentials(request, subscription) ?? wrongRequest(request, body);
    if (status) return { status };
    const plaintext = decrypt(body, subscription);
    // A push service cannot know; the user agent would drop it.
    if (!plaintext) return { status: 400 };
    return received({ device, text: plaintext.toString(), at: clock(), ...fieldsOf(request) });
  };

  const received = async (delivery: WebPushDelivery): Promise<Reply> => {
    const { device } = delivery;
    const act = faults.actFor({ service: 'webpush', mode: undefined, token: device }) ?? actOf(device);
    if (act.type === 'slow') await pause.for(between(act.ms, act.mostMs));
    if (act.type === 'drip') await pause.for(act.ms);
    const refused = refusalOf(act, delivery, clock());
    if (refused) {
      onRefused(delivery, act);
      return refused;
    }
    onDelivered(delivery);
    return { status: 201, headers: { location: `${origin}/message/${randomBytes(8).toString('hex')}` } };
  };

  const wrongCredentials = (request: IncomingMessage, { applicationServerKey }: Subscribed) =>
    wrongVapid(request.headers.authorization, {
      origin,
      now: clock(),
      ...(applicationServerKey !== undefined && { applicationServerKey }),
    });

  const handle = async (request: IncomingMessage, response: ServerResponse, body: Buffer) => {
    requests += 1;
    const answer = await reply(request, body);
    if (answer === 'silence') return;
    if (answer === 'reset') return void request.socket.destroy();
    if (answer === 'break') return void response.writeHead(201).write('{', () => request.socket.destroy());
    response.writeHead(answer.status, answer.headers).end(answer.body);
  };

  const server = await startHttpsServer({ certificate, host, name, port, handle });
  origin = server.origin;

  return {
    origin,
    /** A new subscription, in place of the device's last and, over the bound, of the eldest; the text is what a browser would give to the app's server. */
    subscribe: (device: string, applicationServerKey?: string): string => {
      const keys = createECDH('prime256v1');
      const p256dh = keys.generateKeys('base64url');
      const auth = randomBytes(16);
      subscribed.delete(device);
      subscribed.set(device, { keys, auth, ...(applicationServerKey !== undefined && { applicationServerKey }) });
      const [eldest] = subscribed.keys();
      if (subscribed.size > maxSubscriptions && eldest !== undefined) subscribed.delete(eldest);
      const endpoint = `${origin}/push/${encodeURIComponent(device)}`;
      return JSON.stringify({ endpoint, expirationTime: null, keys: { p256dh, auth: auth.toString('base64url') } });
    },
    /** From now on it knows no subscription that was made before. */
    forgetSubscriptions: (): void => subscribed.clear(),
    requests: () => requests,
    playFault: (next: WebPushFault | undefined): void => {
      fault = next;
    },
    /** Accepts now what is slow. */
    hurry: pause.end,
    stop: (): Promise<void> => {
      pause.end();
      return server.stop();
    },
  };
};

const urgencies: ReadonlySet<string | undefined> = new Set(['very-low', 'low', 'normal', 'high', undefined]);

const wrongRequest = ({ headers }: IncomingMessage, body: Buffer): number | undefined => {
  if (!/^\d+$/.test(String(headers['ttl']))) return 400;
  if (!urgencies.has(headers['urgency']?.toString())) return 400;
  if (!/^[\w-]{1,32}$/.test(headers['topic']?.toString() ?? '-')) return 400;
  if (headers['content-encoding'] !== 'aes128gcm') return 415;
  return body.length > 4096 ? 413 : undefined;
};

/** The device of an endpoint; empty where it is none. */
const deviceOf = (path: string): string => {
  try {
    return decodeURIComponent(/^\/push\/([^/]+)$/.exec(path)?.[1] ?? '');
  } catch {
    return '';
  }
};

const fieldsOf = ({ headers: { ttl, urgency, topic } }: IncomingMessage) => ({
  ttl: Number(ttl),
  ...(urgency !== undefined && { urgency: String(urgency) }),
  ...(topic !== undefined && { topic: String(topic) }),
});
