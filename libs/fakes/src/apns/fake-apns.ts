import { randomUUID } from 'node:crypto';
import type { Mode } from '@pushmesh/contracts';
import { behaviourOf } from '../behaviour.ts';
import type { Behaviour } from '../behaviour.ts';
import { createDelays, randomBetween } from '../delays.ts';
import type { FakeAuthority } from '../fake-authority.ts';
import { createFaults } from '../fault.ts';
import type { Faults } from '../fault.ts';
import { createFirstSeen } from '../first-seen.ts';
import type { FakeReply } from '../http2-reply.ts';
import { startHttp2Server } from '../http2-server.ts';
import type { FakeRequest } from '../http2-server.ts';
import { createAuthentication, isAuthorized } from './authentication.ts';
import type { ApnsKey } from './provider-token.ts';
import { refusal } from './refusal.ts';
import { checkRequest } from './request-checks.ts';
import type { ApnsPayload, ApnsRequest } from './request-checks.ts';
import { simulatedAnswer } from './simulated-answer.ts';

/** A notification as a device gets it. */
export type ApnsDelivery = {
  readonly token: string;
  readonly headers: ApnsRequest['headers'];
  readonly payload: ApnsPayload;
  /** The `apns-id` of the request, or the one that the fake assigned. */
  readonly apnsId: string;
  /** Milliseconds since 1970. */
  readonly at: number;
};

export type FakeApnsOptions = {
  /** Issues the certificate of the server. Senders with one of its client certificates are authenticated. */
  readonly authority: FakeAuthority;
  readonly host?: string;
  /** The host name in the URLs of clients; `host` if absent. */
  readonly name?: string;
  /** 0: any free port. */
  readonly port?: number;
  readonly keys: readonly ApnsKey[];
  /** The environment that the fake stands for; if absent, it accepts the tokens of both. */
  readonly mode?: Mode;
  /** The device tokens that it accepts: any text (the default), or hexadecimal digits only, as APNs does. */
  readonly tokens?: 'any' | 'hex';
  /** The topics of the account; if absent, every topic is allowed. */
  readonly topics?: readonly string[];
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
  readonly faults?: Faults;
  readonly onDelivered?: (delivery: ApnsDelivery) => void;
  /** A valid push that the simulated behaviour refused. */
  readonly onRefused?: (delivery: ApnsDelivery, behaviour: Behaviour) => void;
};

/** What a test does with a request before it is checked. A request on `hold` waits for `release`. */
type Scripted = FakeReply | { readonly type: 'hold' } | { readonly type: 'slow'; readonly ms: number };

/**
 * A fake of APNs: HTTP/2 over TLS, with the checks and answers of "Sending notification requests to APNs" and "Handling
 * notification responses from APNs". The prefix of the device token selects a simulated answer (`behaviourOf`).
 */
export const startFakeApns = async (options: FakeApnsOptions) => {
  const { authority, host = '127.0.0.1', name = host, port = 0, tokens = 'any', topics, mode } = options;
  const { clock = Date.now, faults = createFaults(), onDelivered = () => {}, onRefused = () => {} } = options;
  const held: (() => void)[] = [];
  const delays = createDelays();
  const firstSeen = createFirstSeen(10_000);
  let { keys } = options;
  let script: (request: ApnsRequest) => Scripted | undefined = () => undefined;
  const authentication = createAuthentication({ keys: () => keys, clock });

  const simulate = (
    raw: FakeRequest,
    request: ApnsRequest,
    delivery: ApnsDelivery,
    behaviour: Behaviour,
  ): FakeReply => {
    if (raw.isOver()) return { type: 'silence' };
    const { token } = request;
    const context = { firstSeen: () => firstSeen(token, clock()), now: clock(), mode };
    const answer = simulatedAnswer(behaviour, request, context);
    if (behaviour.type === 'word' && behaviour.word === 'TooManyProviderTokenUpdates')
      authentication.poison(raw.session);
    if (answer) onRefused(delivery, behaviour);
    else onDelivered(delivery);
    return answer ?? { type: 'answer', status: 200, ...(behaviour.type === 'drip' && { overMs: behaviour.ms }) };
  };

  const check = (raw: FakeRequest, request: ApnsRequest, apnsId: string): FakeReply | Promise<FakeReply> => {
    if (raw.isOver()) return { type: 'silence' };
    const unauthenticated = authentication.refuse(raw);
    if (unauthenticated) return unauthenticated;
    const checked = checkRequest(request, { tokens, topics });
    if (!checked.ok) return refusal(checked.status, checked.reason);
    const { token, headers } = request;
    const behaviour = faults.behaviourFor({ service: 'apns', mode, token }) ?? behaviourOf(token);
    const delivery = { token, headers, payload: checked.payload, apnsId, at: clock() };
    if (behaviour.type !== 'slow') return simulate(raw, request, delivery, behaviour);
    return delays
      .wait(randomBetween(behaviour.ms, behaviour.mostMs))
      .then(() => simulate(raw, request, delivery, behaviour));
  };

  const reply = (raw: FakeRequest): FakeReply | Promise<FakeReply> => {
    const request = toApnsRequest(raw);
    const apnsId = request.headers['apns-id'] ?? randomUUID();
    const checkLater = async () => withId(await check(raw, request, apnsId), apnsId);
    const scripted = script(request);
    if (!scripted) {
      const checked = check(raw, request, apnsId);
      return checked instanceof Promise ? checked.then((each) => withId(each, apnsId)) : withId(checked, apnsId);
    }
    if (scripted.type === 'hold') return new Promise<void>((resolve) => held.push(resolve)).then(checkLater);
    if (scripted.type === 'slow') return delays.wait(scripted.ms).then(checkLater);
    return withId(scripted, apnsId);
  };

  const server = await startHttp2Server({
    tls: {
      ...authority.issue('the fake APNs', [name, 'localhost', '127.0.0.1']),
      ca: authority.ca,
      requestCert: true,
      rejectUnauthorized: false,
    },
    host,
    port,
    // One stream until the first valid token. A client certificate is verified before the first stream.
    firstStreams: 1,
    isKnown: isAuthorized,
    maxConcurrentStreams: 1_000,
    reply,
  });

  return {
    ...server,
    origin: `https://${name}:${server.port}`,
    stop: async (): Promise<void> => {
      await server.stop();
      held.length = 0;
      delays.endAll();
    },
    /** The number of requests on hold. */
    held: () => held.length,
    /** Lets the requests on hold go on. Those whose stream has closed meanwhile are not delivered. */
    release: (): void => {
      for (const go of held.splice(0)) go();
    },
    /** Lets delayed requests go on at once. */
    endDelays: delays.endAll,
    /** Decides what happens to each request from now on; `undefined` lets the fake check it. */
    script: (next: (request: ApnsRequest) => Scripted | undefined = () => undefined): void => {
      script = next;
    },
    /** Replaces the signing keys of the account. */
    trust: (next: readonly ApnsKey[]): void => {
      keys = next;
    },
  };
};

export type FakeApns = Awaited<ReturnType<typeof startFakeApns>>;

const withId = (reply: FakeReply, apnsId: string): FakeReply =>
  reply.type === 'answer' ? { ...reply, headers: { 'apns-id': apnsId, ...reply.headers } } : reply;

const toApnsRequest = ({ method, path, headers, body }: FakeRequest): ApnsRequest => ({
  method,
  path,
  token: decodePath(path.replace(/^\/3\/device\//, '')),
  headers,
  body,
});

const decodePath = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
