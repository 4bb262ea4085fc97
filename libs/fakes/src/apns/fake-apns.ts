import { randomUUID } from 'node:crypto';
import type { Mode } from '@pushmesh/contracts';
import { actOf } from '../behaviour.ts';
import type { Act } from '../behaviour.ts';
import { createFaults } from '../fault.ts';
import type { Faults } from '../fault.ts';
import { createFirstSeen } from '../first-seen.ts';
import { createHttp2Fake } from '../http2-server.ts';
import type { FakeReply, FakeRequest } from '../http2-server.ts';
import { between, createPause } from '../delays.ts';
import type { FakeAuthority } from '../fake-authority.ts';
import { createAccount } from './authentication.ts';
import { judge } from './request-checks.ts';
import type { ApnsPayload, ApnsRequest } from './request-checks.ts';
import { refusal, refusalOf } from './simulated-answer.ts';
import type { ApnsKey } from './provider-token.ts';

/** What a device got, or would have got. */
export type ApnsDelivery = {
  readonly token: string;
  readonly headers: ApnsRequest['headers'];
  readonly payload: ApnsPayload;
  /** The `apns-id` of the request, or the one that it was given. */
  readonly apnsId: string;
  /** Milliseconds since 1970. */
  readonly at: number;
};

export type ApnsFakeOptions = {
  /** Issues the server's certificate; its client certificates may push. */
  readonly authority: FakeAuthority;
  readonly host?: string;
  /** What clients call it; `host` when absent. */
  readonly name?: string;
  /** 0: any free one. */
  readonly port?: number;
  readonly keys: readonly ApnsKey[];
  /** The environment that it is; without one every token is of it. */
  readonly mode?: Mode;
  readonly tokens?: 'any' | 'hex';
  /** The topics of the account; any when absent. */
  readonly topics?: readonly string[];
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
  readonly faults?: Faults;
  readonly onDelivered?: (delivery: ApnsDelivery) => void;
  /** A push that was right but for what is played on it. */
  readonly onRefused?: (delivery: ApnsDelivery, act: Act) => void;
};

/** What a test may do with a request before it is judged; `hold` lets it wait for `release`. */
type Scripted = FakeReply | { readonly type: 'hold' } | { readonly type: 'slow'; readonly ms: number };

/** APNs on the loopback: HTTP/2 over TLS, with its checks, its answers, and on demand its faults. */
export const createApnsFake = (options: ApnsFakeOptions) => {
  const {
    authority,
    host = '127.0.0.1',
    name = host,
    port = 0,
    tokens = 'any',
    topics,
    clock = Date.now,
    mode,
  } = options;
  const { faults = createFaults(), onDelivered = () => {}, onRefused = () => {} } = options;
  const held: (() => void)[] = [];
  const pause = createPause();
  const deadSince = createFirstSeen(10_000);
  let { keys } = options;
  let script: (request: ApnsRequest) => Scripted | undefined = () => undefined;

  const account = createAccount({
    keys: () => keys,
    clock,
    onFirstValidToken: (session) => server.grantStreams(session),
  });

  const judged = (raw: FakeRequest, request: ApnsRequest, id: string): FakeReply | Promise<FakeReply> => {
    if (raw.isOver()) return { type: 'silence' };
    const stranger = account.mayPush(raw.session, request.headers['authorization']);
    if (stranger) return stranger;
    const found = judge(request, { tokens, topics });
    if (!found.ok) return refusal(found.status, found.reason);
    const { token, headers } = request;
    const act = faults.actFor({ service: 'apns', mode, token }) ?? actOf(token);
    const delivery = { token, headers, payload: found.payload, apnsId: id, at: clock() };
    if (act.type !== 'slow') return played(raw, request, delivery, act);
    return pause.for(between(act.ms, act.mostMs)).then(() => played(raw, request, delivery, act));
  };

  const played = (raw: FakeRequest, request: ApnsRequest, delivery: ApnsDelivery, act: Act): FakeReply => {
    if (raw.isOver()) return { type: 'silence' };
    const { token } = request;
    const refused = refusalOf(act, request, { deadSince: () => deadSince(token, clock()), now: clock(), mode });
    if (act.type === 'word' && act.word === 'TooManyProviderTokenUpdates') account.poison(raw.session);
    if (refused) onRefused(delivery, act);
    else onDelivered(delivery);
    return refused ?? { type: 'answer', status: 200, ...(act.type === 'drip' && { overMs: act.ms }) };
  };

  const reply = (raw: FakeRequest): FakeReply | Promise<FakeReply> => {
    const request = toRequest(raw);
    const id = request.headers['apns-id'] ?? randomUUID();
    const answered = (result: FakeReply): FakeReply =>
      result.type === 'answer' ? { ...result, headers: { 'apns-id': id, ...result.headers } } : result;
    const go = async () => answered(await judged(raw, request, id));
    const scripted = script(request);
    if (!scripted) {
      const result = judged(raw, request, id);
      return result instanceof Promise ? result.then(answered) : answered(result);
    }
    if (scripted.type === 'hold') return new Promise<void>((resolve) => held.push(resolve)).then(go);
    if (scripted.type === 'slow') return pause.for(scripted.ms).then(go);
    return answered(scripted);
  };

  const server = createHttp2Fake({
    tls: {
      ...authority.issue('the fake APNs', [name, 'localhost', '127.0.0.1']),
      ca: authority.ca,
      requestCert: true,
      rejectUnauthorized: false,
    },
    host,
    port,
    // One stream until a valid token was seen; those with a certificate have shown who they are.
    firstStreams: 1,
    isKnown: ({ socket }) => (socket as { authorized?: boolean }).authorized === true,
    maxConcurrentStreams: 1_000,
    reply,
  });

  return {
    ...server,
    origin: () => `https://${name}:${server.port()}`,
    stop: async (): Promise<void> => {
      await server.stop();
      held.length = 0;
      pause.end();
    },
    /** Requests that are held. */
    held: () => held.length,
    /** Judges what is held; streams that have ended meanwhile are not delivered. */
    release: () => {
      for (const go of held.splice(0)) go();
    },
    /** Accepts now what is slow. */
    hurry: pause.end,
    /** What is to happen to each request from now on; `undefined` lets it be judged. */
    script: (next: (request: ApnsRequest) => Scripted | undefined = () => undefined) => {
      script = next;
    },
    /** The keys that count from now on. */
    trust: (next: readonly ApnsKey[]) => {
      keys = next;
    },
  };
};

export type ApnsFake = ReturnType<typeof createApnsFake>;

const toRequest = ({ method, path, headers, body }: FakeRequest): ApnsRequest => ({
  method,
  path,
  token: decode(path.replace(/^\/3\/device\//, '')),
  headers,
  body,
});

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
