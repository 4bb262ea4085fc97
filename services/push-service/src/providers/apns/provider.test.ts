import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProviderAnswer } from '../../push/category.ts';
import type { Notification } from '../../push/notification.ts';
import { patiently } from '../../../testing/http2-peer.ts';
import { createFakeApnsKey, createFakeAuthority, startFakeApns, startFaultyProxy } from '@pushmesh/fakes';
import type { ApnsDelivery, FakeApns, FakeApnsOptions, FakeAuthority } from '@pushmesh/fakes';
import { readApnsCredentials } from './credentials.ts';
import type { ApnsAuth } from './credentials.ts';
import { createApnsProvider } from './provider.ts';
import type { ApnsProviderOptions } from './provider.ts';
import { createProviderTokens } from './provider-tokens.ts';
import { tryOutApns } from './try-out.ts';

const minute = 60_000;
const authority = createFakeAuthority();
const key = createFakeApnsKey();

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

let delivered: ApnsDelivery[];
let fake: FakeApns;
/** Apple's clock is right; ours is off by `offBy`. Both advance only on command. */
let time: number;
let offBy: number;

const startFake = async (more: Partial<FakeApnsOptions> = {}) => {
  fake = await startFakeApns({
    authority,
    keys: [key],
    clock: () => time,
    onDelivered: (delivery) => delivered.push(delivery),
    ...more,
  });
  cleanups.push(fake.stop);
};
beforeEach(() => {
  delivered = [];
  time = Date.UTC(2026, 10, 1);
  offBy = 0;
});

const credentialsOf = (auth: ApnsAuth) => {
  const read = readApnsCredentials(auth);
  if (!read.ok) throw new Error(read.why);
  return read.credentials;
};
const tokenAuth = ({ keyId, teamId, p8 } = key) => credentialsOf({ type: 'token', keyId, teamId, p8 });

const certificateAuth = ({ issue }: FakeAuthority) =>
  credentialsOf({ type: 'certificate', ...issue('com.example.app', []) });

const start = (more: Partial<ApnsProviderOptions> = {}, pool: Partial<ApnsProviderOptions['pool']> = {}) => {
  const epoch = time;
  const provider = createApnsProvider({
    name: 'apns_prod',
    mode: 'prod',
    tags: [],
    endpoint: fake.origin,
    ca: authority.ca,
    credentials: tokenAuth(),
    defaultTopic: 'com.example.app',
    clock: () => time + offBy,
    tokens: createProviderTokens({ clock: () => time + offBy, monotonic: () => time - epoch }),
    pool: { connections: 1, queueLimit: 1_000, timeoutMs: 20_000, backoff: { firstMs: 10, maxMs: 50 }, ...pool },
    ...more,
  });
  cleanups.push(() => provider.close(0));
  const push = (device_id: string, fields: Partial<Notification> = {}) =>
    provider.push({
      device_id,
      service: 'apns',
      mode: 'prod',
      tags: [],
      alert: { title: 'juliet@capulet.example', body: 'Wherefore art thou?' },
      ...fields,
    });
  return { provider, push };
};
const tokens = (count: number, prefix = 'T') => Array.from({ length: count }, (_, n) => `${prefix}${n}`);
const words = (answers: readonly ProviderAnswer[]) =>
  answers.map((answer) => (answer.category === 'ok' ? 'ok' : answer.reason));
const expectEachOnce = (expected: readonly string[]) =>
  expect(delivered.map(({ token }) => token).toSorted()).toEqual(expected.toSorted());

describe('pushes', () => {
  it('delivers what the mapping produces, with an id', async () => {
    await startFake({ topics: ['com.example.app', 'com.example.app.voip'] });
    const { push } = start();
    expect(await push('a/b c', { time_to_live: 60, priority: 'high' })).toEqual({ category: 'ok' });
    expect(await push('T', { alert: undefined as never, data: { type: 'jmi', 'jmi-sid': '1' } })).toEqual({
      category: 'ok',
    });
    expect(delivered).toMatchObject([
      {
        token: 'a/b c',
        headers: {
          'apns-push-type': 'alert',
          'apns-topic': 'com.example.app',
          'apns-priority': '10',
          'apns-expiration': String(time / 1000 + 60),
        },
        payload: { aps: { alert: { title: 'juliet@capulet.example', body: 'Wherefore art thou?' } } },
      },
      { headers: { 'apns-push-type': 'voip', 'apns-topic': 'com.example.app.voip' }, payload: { 'jmi-sid': '1' } },
    ]);
    expect(new Set(delivered.map(({ apnsId }) => apnsId)).size).toBe(2);
  });

  it.each([
    ['badtoken.a', { category: 'invalid_request', reason: 'BadDeviceToken' }],
    ['throttled.a', { category: 'too_many_requests', reason: 'TooManyRequests', retryAfterSeconds: 2 }],
    ['unavailable.a', { category: 'service_internal', reason: 'ServiceUnavailable' }],
    ['toolarge.always.a', { category: 'payload_too_large', reason: 'PayloadTooLarge' }],
    ['reset.a', { category: 'connection_lost', reason: 'connection_lost' }],
    ['slow.1.a', { category: 'ok' }],
  ])('passes on what APNs says about %s', async (token, answer) => {
    await startFake();
    expect(await start().push(token)).toEqual(answer);
  });

  it('passes on since when a token has been dead', async () => {
    await startFake();
    const { push } = start();
    const since = time;
    await push('unregistered.a');
    time += 5 * minute;
    expect(await push('unregistered.a')).toEqual({
      category: 'unregistered',
      reason: 'Unregistered',
      unregisteredAt: since,
    });
  });

  it('sends nothing that is too large for APNs or that it cannot address', async () => {
    await startFake();
    const { push } = start();
    expect(await push('T', { alert: { title: '', body: 'x'.repeat(5_000) } })).toMatchObject({
      reason: 'PayloadTooLarge',
    });
    expect(await push('T', { topic: 'not a topic' })).toMatchObject({ category: 'invalid_notification' });
    expect(fake.connections()).toBe(0);
  });

  it.each([
    [{ status: 500, body: '<html>no</html>' }, 'service_internal'],
    [{ status: 400, body: '{"reason":' }, 'unspecified'],
    [{ status: 410, body: '' }, 'unspecified'],
    [{ status: 413, body: '{"reason":[]}' }, 'payload_too_large'],
    [
      { status: 429, body: '{"reason":"TooManyRequests"}', headers: { 'retry-after': '999999999999' } },
      'TooManyRequests',
    ],
    [{ status: 204, body: '' }, 'unspecified'],
  ])('survives the malformed answer %j', async (reply, word) => {
    await startFake();
    const { push } = start();
    fake.script(() => ({ type: 'answer', ...reply }));
    expect(await push('T')).toMatchObject({ reason: word });
    fake.script();
    expect(await push('T')).toEqual({ category: 'ok' });
  });

  it('names an answer that breaks off or does not come', async () => {
    await startFake();
    const { push } = start({}, { timeoutMs: 1_500 });
    await push('T');
    fake.script(({ token }) => (token === 'break' ? { type: 'break' } : { type: 'hold' }));
    expect(await push('break')).toMatchObject({ category: 'connection_lost' });
    expect(await push('hold')).toMatchObject({ category: 'request_timeout' });
    await fake.stop();
    await expect.poll(async () => (await push('T')).category, patiently).toBe('unable_to_connect');
  });

  it('says so when its queue is full', async () => {
    await startFake();
    const { push } = start({}, { queueLimit: 1 });
    fake.script(() => ({ type: 'hold' }));
    const flying = push('T1');
    await expect.poll(() => fake.held(), patiently).toBe(1);
    const waiting = push('T2');
    expect(await push('T3')).toEqual({ category: 'unable_to_connect', reason: 'queue_full' });
    fake.script();
    fake.release();
    expect(words(await Promise.all([flying, waiting]))).toEqual(['ok', 'ok']);
  });
});

describe('authentication', () => {
  it('shares one token between all connections, and renews it after 20 to 55 minutes', async () => {
    await startFake();
    const { push } = start({}, { connections: 3 });
    const used = () => new Set(delivered.splice(0).map(({ headers }) => headers['authorization']));
    await push('T');
    await Promise.all(tokens(200).map((token) => push(token)));
    await expect.poll(() => fake.connections(), patiently).toBeGreaterThan(1);
    const [first] = used();
    for (const minutes of [10, 10, 15]) {
      time += minutes * minute;
      await Promise.all(tokens(20).map((token) => push(token)));
      expect(used()).toEqual(new Set([first]));
    }
    time += 15 * minute;
    expect(new Set(words(await Promise.all(tokens(200).map((token) => push(token)))))).toEqual(new Set(['ok']));
    const [second, ...others] = used();
    expect(others).toEqual([]);
    expect(second).not.toBe(first);
  });

  it('has one token for a key, in both environments and for trying it out, and another for each other key', async () => {
    await startFake();
    const seen = new Set<string | undefined>();
    fake.script(({ headers }) => {
      seen.add(headers['authorization']);
      return undefined;
    });
    const clock = () => time;
    const shared = createProviderTokens({ clock, monotonic: clock });
    const { provider, push } = start({ tokens: shared });
    const { push: pushToDev } = start({ tokens: shared, mode: 'dev' });
    const tryOut = () =>
      tryOutApns({
        credentials: tokenAuth(),
        endpoint: fake.origin,
        defaultTopic: 'com.example.app',
        ca: authority.ca,
        verify: true,
        timeoutMs: 20_000,
        clock,
        tokens: shared,
      });
    expect([await push('A'), await pushToDev('B')]).toEqual([{ category: 'ok' }, { category: 'ok' }]);
    expect((await tryOut()).finding.name).toBe('fine');
    provider.swapCredentials(tokenAuth());
    expect(await push('C')).toEqual({ category: 'ok' });
    expect(seen.size).toBe(1);
    const otherKey = { ...createFakeApnsKey(), keyId: key.keyId, teamId: key.teamId };
    expect(shared.of(tokenAuth(otherKey))).not.toBe(shared.of(tokenAuth()));
  });

  it('makes a new token when APNs finds ours too old, if the 20 minutes have passed, and sends the push again', async () => {
    await startFake();
    const { push } = start();
    await push('T0');
    fake.script(({ headers }) =>
      headers['authorization'] === delivered[0]?.headers['authorization']
        ? { type: 'answer', status: 403, body: '{"reason":"ExpiredProviderToken"}' }
        : undefined,
    );
    time += 10 * minute;
    expect(words([await push('T1')])).toEqual(['ExpiredProviderToken']);
    time += 15 * minute;
    expect(words(await Promise.all(tokens(5, 'later').map((token) => push(token))))).toEqual(tokens(5).map(() => 'ok'));
    expectEachOnce(['T0', ...tokens(5, 'later')]);
  });

  it.each([
    [-120, 'ExpiredProviderToken'],
    [120, 'InvalidProviderToken'],
  ])(
    'with a clock that is %i minutes off, the token is refused, and recovers when the clock is set',
    async (off, reason) => {
      await startFake();
      offBy = off * minute;
      const { push } = start();
      expect(await push('T')).toEqual({ category: 'auth', reason });
      expect(await push('T')).toEqual({ category: 'auth', reason });
      offBy = 0;
      expect(await push('T')).toEqual({ category: 'ok' });
    },
  );

  it('survives a clock that goes wrong and is corrected', async () => {
    await startFake();
    const { push } = start();
    expect(words([await push('T')])).toEqual(['ok']);
    offBy = -120 * minute;
    expect(words([await push('T')])).toEqual(['ok']);
    time += 21 * minute;
    expect(words([await push('T')])).toEqual(['ExpiredProviderToken']);
    offBy = 0;
    time += minute;
    await expect.poll(async () => words([await push('T')]), patiently).toEqual(['ok']);
  });

  it('makes a new token after the machine was suspended, which stops only one of the clocks', async () => {
    await startFake();
    const { push } = start({ tokens: createProviderTokens({ clock: () => time + offBy, monotonic: () => 0 }) });
    expect(words([await push('T')])).toEqual(['ok']);
    time += 120 * minute;
    expect(words([await push('T')])).toEqual(['ok']);
    // A clock that is merely off is not a reason, however often APNs says that the token is old.
    offBy = -120 * minute;
    time += 120 * minute;
    const used = new Set<string | undefined>();
    fake.script(({ headers }) => void used.add(headers['authorization']));
    for (const token of tokens(3)) expect(words([await push(token)])).toEqual(['ExpiredProviderToken']);
    expect(used.size).toBe(1);
  });

  it('abandons a connection on which APNs says that the token changes too often, keeps the token, and sends again', async () => {
    await startFake();
    const { push } = start();
    await push('T0');
    let poisoned = true;
    fake.script(() => {
      if (!poisoned) return undefined;
      poisoned = false;
      return { type: 'answer', status: 429, body: '{"reason":"TooManyProviderTokenUpdates"}' };
    });
    expect(await push('T1')).toEqual({ category: 'ok' });
    expect(new Set(delivered.map(({ headers }) => headers['authorization'])).size).toBe(1);
    await expect.poll(() => fake.connections(), patiently).toBe(1);
    fake.script(() => ({ type: 'answer', status: 429, body: '{"reason":"TooManyProviderTokenUpdates"}' }));
    expect(await push('T2')).toEqual({ category: 'too_many_requests', reason: 'TooManyProviderTokenUpdates' });
  });

  it('switches to another key under traffic without losing a push', async () => {
    const next = createFakeApnsKey('FAKEKEY002');
    await startFake({ keys: [key, next] });
    const { push, provider } = start({}, { connections: 2 });
    await push('first');
    fake.script(({ token }) => (token === 'held' ? { type: 'hold' } : undefined));
    const held = push('held');
    await expect.poll(() => fake.held(), patiently).toBe(1);
    const before = tokens(150, 'before').map((token) => push(token));
    provider.swapCredentials(tokenAuth(next));
    const after = tokens(50, 'after').map((token) => push(token));
    expect(new Set(words(await Promise.all([...before, ...after])))).toEqual(new Set(['ok']));
    fake.release();
    expect(words([await held])).toEqual(['ok']);
    expectEachOnce(['first', 'held', ...tokens(150, 'before'), ...tokens(50, 'after')]);
    const usedAfter = delivered
      .filter(({ token }) => token.startsWith('after'))
      .map(({ headers }) => headers['authorization']);
    expect(new Set(usedAfter).size).toBe(1);
    fake.trust([next]);
    expect(await push('last')).toEqual({ category: 'ok' });
  });

  it.each([
    ['key', () => tokenAuth(createFakeApnsKey()), () => tokenAuth()],
    ['certificate', () => certificateAuth(createFakeAuthority()), () => certificateAuth(authority)],
  ])('sends a push that was refused for the old %s again with the new one', async (_name, old, next) => {
    await startFake();
    const { push, provider } = start({ credentials: old() });
    fake.script(() => ({ type: 'hold' }));
    const held = push('held');
    await expect.poll(() => fake.held(), patiently).toBe(1);
    fake.script();
    provider.swapCredentials(next());
    fake.release();
    expect(await held).toEqual({ category: 'ok' });
    expectEachOnce(['held']);
  });

  it('does not send again if there is no time left for an answer', async () => {
    await startFake();
    const { push, provider } = start({ credentials: tokenAuth(createFakeApnsKey()) }, { timeoutMs: 2_000 });
    fake.script(() => ({ type: 'hold' }));
    const held = push('held');
    await setTimeout(1_850);
    fake.script();
    provider.swapCredentials(tokenAuth());
    fake.release();
    expect((await held).category).not.toBe('ok');
    expectEachOnce([]);
  });

  it('is refused with a wrong key, and recovers with the right one', async () => {
    await startFake();
    const { push, provider } = start({ credentials: tokenAuth(createFakeApnsKey()) });
    expect(words(await Promise.all(tokens(3).map((token) => push(token))))).toEqual(
      tokens(3).map(() => 'InvalidProviderToken'),
    );
    provider.swapCredentials(tokenAuth());
    expect(await push('T')).toEqual({ category: 'ok' });
  });

  it('can use a certificate instead, and replace it with a token', async () => {
    await startFake();
    const { push, provider } = start({ credentials: certificateAuth(authority) });
    expect(words(await Promise.all(tokens(20).map((token) => push(token))))).toEqual(tokens(20).map(() => 'ok'));
    expect(delivered.every(({ headers }) => headers['authorization'] === undefined)).toBe(true);
    provider.swapCredentials(certificateAuth(createFakeAuthority()));
    expect(words([await push('T')])).toEqual(['MissingProviderToken']);
    provider.swapCredentials(tokenAuth());
    expect(await push('T')).toEqual({ category: 'ok' });
  });
});

describe('APNs faults', () => {
  it('GOAWAY: accepted pushes finish, the others are sent again, and no device gets one twice', async () => {
    await startFake();
    const { push } = start();
    await push('first');
    fake.script(() => ({ type: 'hold' }));
    const all = Promise.all(tokens(20).map((token) => push(token)));
    await expect.poll(() => fake.held(), patiently).toBe(20);
    fake.script();
    fake.goaway({ unprocessed: 12, reason: 'Shutdown' });
    await expect.poll(() => delivered.length, patiently).toBe(13);
    fake.release();
    expect(words(await all)).toEqual(tokens(20).map(() => 'ok'));
    expectEachOnce(['first', ...tokens(20)]);
  });

  it('a restart under traffic: every push is answered, no accepted push is lost or duplicated, and pushes continue', async () => {
    await startFake();
    const { push, provider } = start({}, { connections: 2 });
    await push('first');
    fake.script(() => ({ type: 'slow', ms: 5 }));
    const all = tokens(200).map(async (token) => ({ token, answer: await push(token) }));
    await expect.poll(() => delivered.length, patiently).toBeGreaterThan(50);
    fake.goaway();
    await fake.stop();
    await expect.poll(() => provider.connections().connected, patiently).toBe(0);
    await fake.restart();
    fake.script();
    const ended = await Promise.all(all);
    const ok = ended.filter(({ answer }) => answer.category === 'ok').map(({ token }) => token);
    const others = ended.filter(({ answer }) => answer.category !== 'ok').map(({ answer }) => answer.category);
    for (const word of others) expect(['connection_lost', 'unable_to_connect']).toContain(word);
    const got = delivered.map(({ token }) => token);
    expect(new Set(got).size).toBe(got.length);
    expect(ok.filter((token) => !got.includes(token))).toEqual([]);
    await expect.poll(async () => (await push('again')).category, patiently).toBe('ok');
  });

  it('fewer streams on open connections: every push waits its turn', async () => {
    await startFake();
    const { push } = start();
    await push('first');
    fake.limitStreams(2);
    let most = 0;
    fake.script(() => {
      most = Math.max(most, fake.held() + 1);
      return { type: 'hold' };
    });
    const all = Promise.all(tokens(30).map((token) => push(token)));
    await expect
      .poll(() => {
        fake.release();
        return delivered.length;
      }, patiently)
      .toBe(31);
    expect(words(await all)).toEqual(tokens(30).map(() => 'ok'));
    expectEachOnce(['first', ...tokens(30)]);
    expect(most).toBe(2);
  });

  it('a connection that falls silent is closed, and pushes continue over another', async () => {
    await startFake();
    const line = await startFaultyProxy(fake.port);
    cleanups.push(line.stop);
    const { push } = start({ endpoint: line.origin }, { pingEveryMs: 100, pingTimeoutMs: 1_000 });
    await push('first');
    line.silence(true);
    expect(words(await Promise.all(tokens(3).map((token) => push(token))))).toEqual(
      tokens(3).map(() => 'connection_lost'),
    );
    line.silence(false);
    expect(await push('next')).toEqual({ category: 'ok' });
    expectEachOnce(['first', 'next']);
  });

  it('refused streams are sent once more', async () => {
    await startFake();
    const { push } = start();
    let refusals = 0;
    fake.script(() => (refusals++ < 3 ? { type: 'reset', code: 7 } : undefined));
    const answers = words(await Promise.all(tokens(10).map((token) => push(token))));
    expect(answers.filter((word) => word !== 'ok').length).toBeLessThanOrEqual(1);
    const got = delivered.map(({ token }) => token);
    expect(new Set(got).size).toBe(got.length);
  });
});
