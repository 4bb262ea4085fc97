import type { Mode } from '@pushmesh/contracts';
import { refuse } from '../../push/category.ts';
import type { ProviderAnswer } from '../../push/category.ts';
import { toFcmMessage } from './message.ts';
import { countsAgainstQuota, toFcmAnswer } from './outcome.ts';
import { toFcmPlatformParts } from './platforms.ts';
import type { FcmPlatform } from './platforms.ts';
import type { Notification } from '../../push/notification.ts';
import type { Provider } from '../../push/provider.ts';
import { startDeadline } from '../http2/deadline.ts';
import type { Http2Answer, Http2Pool } from '../http2/pool.ts';
import type { AccessToken, OAuth } from './oauth.ts';

type Options = {
  readonly name: string;
  readonly projectId: string;
  /** FCM has no modes; this is the one whose requests go to this project. */
  readonly mode: Mode;
  readonly tags: readonly string[];
  /** The platforms that the app exists on besides Android. */
  readonly platforms: readonly FcmPlatform[];
  /**
   * Connections to `https://fcm.googleapis.com`; its `timeoutMs` is that of a whole push, including the wait for a
   * token.
   */
  readonly pool: Pick<Http2Pool, 'request' | 'connections' | 'timeoutMs'>;
  readonly oauth: Pick<OAuth, 'accessToken' | 'replacementOf'>;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Counts the messages that use up the project's quota. */
  readonly quotaUsed?: { inc(): void };
};

/** One Firebase project, by FCM HTTP v1 `projects.messages.send`. */
export const createFcmProvider = (options: Options): Provider => {
  const { name, projectId, mode, tags, platforms, pool, oauth, clock, quotaUsed } = options;
  const path = `/v1/projects/${projectId}/messages:send`;

  const enoughMs = pool.timeoutMs / 10;

  const send = async (body: string, token: string, withinMs: number): Promise<Http2Answer> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answer = await pool.request({ path, headers, body }, withinMs);
    if (answer.type === 'answer' && countsAgainstQuota(answer.status)) quotaUsed?.inc();
    return answer;
  };

  const push = async (notification: Notification): Promise<ProviderAnswer> => {
    const { race, restMs } = startDeadline(pool.timeoutMs);
    const parts = toFcmPlatformParts(notification, platforms, clock());
    const body = JSON.stringify({ message: { ...toFcmMessage(notification), ...parts } });
    const access = await race(oauth.accessToken());
    // Better not to send than to send without time for the answer, which would leave open whether FCM has the push.
    if (!access || (access.type === 'token' && restMs() < enoughMs)) return tokenTooLate;
    if (access.type !== 'token') return withoutToken(access);
    const first = await send(body, access.token, restMs());
    const answer = toAnswer(first, clock());
    if (!isTokenRefused(first, answer)) return answer;
    const replacement = await race(oauth.replacementOf(access.token));
    if (replacement?.type !== 'token' || replacement.token === access.token || restMs() < enoughMs) return answer;
    // FCM did nothing with a push that it did not let in, so this is not a duplicate. Only once: a second 401 is not about the
    // token.
    return toAnswer(await send(body, replacement.token, restMs()), clock());
  };

  return { name, service: 'fcm', mode, tags, push, connections: pool.connections };
};

const toAnswer = (answer: Http2Answer, now: number): ProviderAnswer => {
  if (answer.type === 'fault') return byFault[answer.fault];
  return toFcmAnswer(answer, now);
};

/** Why a push had no answer. With a full queue nothing was sent: for a retry, that is the same as no connection. */
const byFault: Readonly<Record<Extract<Http2Answer, { type: 'fault' }>['fault'], ProviderAnswer>> = {
  unable_to_connect: refuse('unable_to_connect'),
  connection_lost: refuse('connection_lost'),
  request_timeout: refuse('request_timeout'),
  queue_full: { category: 'unable_to_connect', reason: 'queue_full' },
};

/** A wrong key for Apple or Web Push in the Firebase project is answered with 401 too, and no new token helps. */
const isTokenRefused = (raw: Http2Answer, answer: ProviderAnswer): boolean =>
  raw.type === 'answer' && raw.status === 401 && answer.category !== 'ok' && answer.category !== 'third_party_auth';

const tokenTooLate: ProviderAnswer = { category: 'unable_to_connect', reason: 'token_timeout' };

const withoutToken = (access: Exclude<AccessToken, { type: 'token' }>): ProviderAnswer => ({
  category: access.type === 'refused' ? 'auth' : 'unable_to_connect',
  reason: access.reason,
  retryAfterSeconds: access.retryAfterSeconds,
});
