import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Notification } from '../../push/notification.ts';
import type { Http2Answer, Http2Request } from '../http2/pool.ts';
import type { AccessToken } from './oauth.ts';
import { createFcmProvider } from './provider.ts';

const notification: Notification = {
  device_id: 'TOK',
  service: 'fcm',
  mode: 'prod',
  tags: [],
  alert: { title: 't', body: 'b' },
};
const answered = (status: number, body = '', headers = {}): Http2Answer => ({ type: 'answer', status, headers, body });
const accepted = answered(200, '{"name":"projects/p/messages/1"}');
const error = (status: string, errorCode?: string) => {
  const detail = { '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode };
  return JSON.stringify({ error: { status, details: errorCode === undefined ? [] : [detail] } });
};
const token = (each: string): AccessToken => ({ type: 'token', token: each });

type Setting = {
  readonly answers?: readonly Http2Answer[];
  readonly access?: AccessToken;
  readonly replacement?: AccessToken;
  readonly platforms?: readonly ('apns' | 'webpush')[];
  readonly timeoutMs?: number;
  /** How long a token takes. */
  readonly accessMs?: number;
  readonly replacementMs?: number;
};

const setUp = ({ answers = [accepted], access = token('one'), replacement = token('two'), ...more }: Setting = {}) => {
  const requests: Http2Request[] = [];
  const within: (number | undefined)[] = [];
  const { timeoutMs = 5_000, accessMs = 0, replacementMs = 0 } = more;
  const provider = createFcmProvider({
    name: 'fcm',
    projectId: 'chat-1',
    mode: 'prod',
    tags: ['a'],
    platforms: more.platforms ?? [],
    pool: {
      timeoutMs,
      request: async (request, withinMs) => {
        requests.push(request);
        within.push(withinMs);
        return answers[requests.length - 1] ?? accepted;
      },
      connections: () => ({ connected: 2, disconnected: 1 }),
    },
    oauth: {
      accessToken: async () => (accessMs > 0 ? setTimeout(accessMs, access, { ref: false }) : access),
      replacementOf: async () =>
        replacementMs > 0 ? setTimeout(replacementMs, replacement, { ref: false }) : replacement,
    },
    clock: () => 0,
  });
  return { provider, requests, within, push: () => provider.push(notification) };
};

it('sends what FCM accepts', async () => {
  const { provider, requests, push } = setUp({ platforms: ['webpush'] });
  expect(await push()).toEqual({ category: 'ok' });
  expect(requests.map(({ body, ...request }) => ({ ...request, body: JSON.parse(body) as unknown }))).toEqual([
    {
      path: '/v1/projects/chat-1/messages:send',
      headers: { authorization: 'Bearer one', 'content-type': 'application/json' },
      body: {
        message: {
          token: 'TOK',
          android: { notification: { title: 't', body: 'b' } },
          webpush: { notification: { title: 't', body: 'b' } },
        },
      },
    },
  ]);
  expect(provider).toMatchObject({ service: 'fcm', mode: 'prod', tags: ['a'] });
  expect(provider.connections()).toEqual({ connected: 2, disconnected: 1 });
});

it('passes on the time to wait', async () => {
  const { push } = setUp({ answers: [answered(503, error('UNAVAILABLE'), { 'retry-after': '7' })] });
  expect(await push()).toEqual({ category: 'service_internal', reason: 'UNAVAILABLE', retryAfterSeconds: 7 });
});

it.each([
  ['unable_to_connect', { category: 'unable_to_connect', reason: 'unable_to_connect' }],
  ['connection_lost', { category: 'connection_lost', reason: 'connection_lost' }],
  ['request_timeout', { category: 'request_timeout', reason: 'request_timeout' }],
  ['queue_full', { category: 'unable_to_connect', reason: 'queue_full' }],
] as const)('answers %s, and sends nothing twice', async (fault, answer) => {
  const { push, requests } = setUp({ answers: [{ type: 'fault', fault }] });
  expect(await push()).toEqual(answer);
  expect(requests).toHaveLength(1);
});

describe('a 401', () => {
  const unauthenticated = answered(401, error('UNAUTHENTICATED'));

  it.each([unauthenticated, answered(401, '<html>')])(
    'leads to one more attempt with another token',
    async (refused) => {
      const { push, requests } = setUp({ answers: [refused] });
      expect(await push()).toEqual({ category: 'ok' });
      expect(requests.map(({ headers }) => headers['authorization'])).toEqual(['Bearer one', 'Bearer two']);
      expect(requests[1]?.body).toBe(requests[0]?.body);
    },
  );

  it('is the answer if it comes again', async () => {
    const { push, requests } = setUp({ answers: [unauthenticated, unauthenticated, accepted] });
    expect(await push()).toEqual({ category: 'auth', reason: 'UNAUTHENTICATED' });
    expect(requests).toHaveLength(2);
  });

  it.each([
    ['there is no other token', { replacement: token('one') }],
    ['there is no token at all', { replacement: { type: 'unavailable', reason: 'HTTP_503', retryAfterSeconds: 3 } }],
  ] as const)('is the answer when %s', async (_name, setting) => {
    const { push, requests } = setUp({ answers: [unauthenticated], ...setting });
    expect(await push()).toEqual({ category: 'auth', reason: 'UNAUTHENTICATED' });
    expect(requests).toHaveLength(1);
  });

  it('about the keys in the Firebase project has nothing to do with the token', async () => {
    const { push, requests } = setUp({ answers: [answered(401, error('UNAUTHENTICATED', 'THIRD_PARTY_AUTH_ERROR'))] });
    expect(await push()).toEqual({ category: 'third_party_auth', reason: 'THIRD_PARTY_AUTH_ERROR' });
    expect(requests).toHaveLength(1);
  });
});

it.each([
  [
    { type: 'unavailable', reason: 'HTTP_503', retryAfterSeconds: 3 },
    { category: 'unable_to_connect', reason: 'HTTP_503', retryAfterSeconds: 3 },
  ],
  [
    { type: 'refused', reason: 'invalid_grant', retryAfterSeconds: 60 },
    { category: 'auth', reason: 'invalid_grant', retryAfterSeconds: 60 },
  ],
] as const)('sends nothing without a token: %j', async (access, answer) => {
  const { push, requests } = setUp({ access });
  expect(await push()).toEqual(answer);
  expect(requests).toEqual([]);
});

describe('the deadline of a push', () => {
  const refused = answered(401, error('UNAUTHENTICATED'));
  const never = 60_000;

  it('leaves to the request the time that the token did not take', async () => {
    const { push, within } = setUp({ answers: [refused], accessMs: 100, replacementMs: 100 });
    expect(await push()).toEqual({ category: 'ok' });
    const [first = Infinity, second = Infinity] = within;
    expect(first).toBeLessThan(4_950);
    expect(second).toBeLessThan(first - 50);
  });

  it('ends the wait for a token: nothing was sent', async () => {
    const { push, requests } = setUp({ timeoutMs: 100, accessMs: never });
    expect(await push()).toEqual({ category: 'unable_to_connect', reason: 'token_timeout' });
    expect(requests).toEqual([]);
  });

  it('ends the wait for another token: the first answer is the answer', async () => {
    const { push, requests } = setUp({ answers: [refused], timeoutMs: 100, replacementMs: never });
    expect(await push()).toEqual({ category: 'auth', reason: 'UNAUTHENTICATED' });
    expect(requests).toHaveLength(1);
  });

  it('sends nothing if too little of it is left for an answer', async () => {
    const { push, requests } = setUp({ timeoutMs: 1_000, accessMs: 950 });
    expect(await push()).toEqual({ category: 'unable_to_connect', reason: 'token_timeout' });
    expect(requests).toEqual([]);
  });
});
