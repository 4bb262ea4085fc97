import { randomUUID } from 'node:crypto';
import type { Mode } from '@pushmesh/contracts';
import { apnsPayloadLimits, toApnsMessage } from './message.ts';
import { blameTopic, toApnsAnswer } from './outcome.ts';
import { refuse } from '../../push/category.ts';
import type { ProviderAnswer } from '../../push/category.ts';
import type { Notification } from '../../push/notification.ts';
import type { Provider } from '../../push/provider.ts';
import { startDeadline } from '../http2/deadline.ts';
import { createHttp2Pool } from '../http2/pool.ts';
import type { Http2Answer, Http2PoolOptions, Http2Response } from '../http2/pool.ts';
import type { ApnsCredentials } from './credentials.ts';
import type { ProviderTokens } from './provider-tokens.ts';
import { apnsTls } from './tls.ts';

export type ApnsProviderOptions = {
  readonly name: string;
  readonly mode: Mode;
  readonly tags: readonly string[];
  /** The origin of APNs. */
  readonly endpoint: string;
  /** PEM of the authorities that may vouch for APNs; Node's own if absent. */
  readonly ca?: string;
  /** Whether APNs' certificate is verified. */
  readonly verify?: boolean;
  readonly credentials: ApnsCredentials;
  /** The topic of requests that name none; without one, APNs refuses them. */
  readonly defaultTopic: string | undefined;
  readonly pool: Omit<Http2PoolOptions, 'origin' | 'tls' | 'neverIndexed' | 'probeFirst' | 'dropAfter'>;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly tokens: ProviderTokens;
};

export type ApnsProvider = Provider & {
  /** Opens a first connection, so that its state is known before the first push. */
  open(): void;
  /** Switches to other credentials: what is under way is finished, or sent again with the new ones. */
  swapCredentials(credentials: ApnsCredentials): void;
  /** Answers what it has until the deadline, in milliseconds. */
  close(deadlineMs: number): Promise<void>;
};

/** The credentials that went out with a request. */
type Used = { readonly token: string | undefined; readonly swaps: number };

/** APNs itself, over HTTP/2. */
export const createApnsProvider = (options: ApnsProviderOptions): ApnsProvider => {
  const { name, mode, tags, endpoint, ca, verify = true, defaultTopic, clock, tokens } = options;
  const tlsOf = (credentials: ApnsCredentials) => apnsTls(credentials, { verify, ...(ca !== undefined && { ca }) });

  let token = tokens.of(options.credentials);
  let swaps = 0;
  const pool = createHttp2Pool({
    ...options.pool,
    origin: endpoint,
    tls: tlsOf(options.credentials),
    neverIndexed,
    probeFirst: showsValidToken,
    dropAfter: isPoisoned,
  });

  const toAnswer = (answer: Http2Answer): ProviderAnswer => {
    return answer.type === 'fault' ? toRefusal(answer) : toApnsAnswer(answer, clock());
  };

  const push = async (notification: Notification): Promise<ProviderAnswer> => {
    const mapped = toApnsMessage(notification, { defaultTopic, now: clock() });
    if (!mapped.ok) return refuse('invalid_notification');
    const { path, headers, payload } = mapped.message;
    const body = JSON.stringify(payload);
    // What APNs would answer, without sending it a body of arbitrary length.
    if (Buffer.byteLength(body) > apnsPayloadLimits[headers['apns-push-type'] as keyof typeof apnsPayloadLimits])
      return { category: 'payload_too_large', reason: 'PayloadTooLarge' };
    const id = randomUUID();
    const { restMs } = startDeadline(pool.timeoutMs);

    const send = async () => {
      let used: Used = { token: undefined, swaps };
      const credentials = (): Readonly<Record<string, string>> => {
        used = { token: token?.current(), swaps };
        return used.token === undefined ? {} : { authorization: `bearer ${used.token}` };
      };
      const request = { path, headers: { 'apns-id': id, ...headers }, credentials, body };
      const answer = toAnswer(await pool.request(request, restMs()));
      return { answer, again: judge(answer, used) };
    };
    const { answer, again } = await send();
    // If there is no time for another answer, this one is better than none.
    const last = again && restMs() > pool.timeoutMs / 10 ? (await send()).answer : answer;
    const isTopicOurs = defaultTopic !== undefined && (notification.topic || defaultTopic) === defaultTopic;
    return isTopicOurs ? last : blameTopic(last);
  };

  /** Tells the token what APNs thinks of it; true if the push was refused for credentials that we no longer use. */
  const judge = (answer: ProviderAnswer, used: Used): boolean => {
    if (answer.category === 'auth') {
      if (used.token !== undefined && answer.reason === 'ExpiredProviderToken') token?.expired(used.token);
      return used.swaps !== swaps || used.token !== token?.current();
    }
    if (answer.category === 'too_many_requests') return answer.reason === tooManyUpdates;
    if (answer.category === 'ok' && used.token !== undefined) token?.accepted(used.token);
    return false;
  };

  return {
    name,
    service: 'apns',
    mode,
    tags,
    push,
    connections: pool.connections,
    open: pool.open,
    swapCredentials: (credentials) => {
      swaps += 1;
      token = tokens.of(credentials);
      pool.recycle(tlsOf(credentials));
    },
    close: pool.close,
  };
};

// APNs has a small header table, and asks clients to keep these out of it.
const neverIndexed = ['apns-id', 'apns-expiration', 'apns-collapse-id'];

// With token authentication, APNs grants one stream until it has seen a valid token; any answer but a 403 shows that it has.
const showsValidToken = ({ status }: Http2Response): boolean => status !== 403;

// From then on the connection gives no other answer. The token is good: a new one would make it worse.
const tooManyUpdates = 'TooManyProviderTokenUpdates';
const isPoisoned = ({ status, body }: Http2Response): boolean => status === 429 && body.includes(tooManyUpdates);

/** With a full queue nothing was sent, which is what `unable_to_connect` tells callers. */
const toRefusal = ({ fault }: Extract<Http2Answer, { type: 'fault' }>): ProviderAnswer =>
  fault === 'queue_full' ? { category: 'unable_to_connect', reason: fault } : refuse(fault);
