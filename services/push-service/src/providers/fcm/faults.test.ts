import { afterEach, describe, expect, it } from 'vitest';
import { patiently } from '../../../testing/http2-peer.ts';
import { startFcm } from '../../../testing/start-fcm.ts';

// The provider, its connections and its token endpoint as in production, against a misbehaving fake of FCM.

const hour = 3_600_000;
const ok = { category: 'ok' };
const started: (() => Promise<void>)[] = [];
const start = async (...given: Parameters<typeof startFcm>) => {
  const fcm = await startFcm(...given);
  started.push(fcm.stop);
  return fcm;
};
afterEach(async () => {
  for (const stop of started.splice(0)) await stop();
});
const range = Array.from({ length: 40 }, (_, index) => index);

it('delivers', async () => {
  const { push, deliveries, fake } = await start();
  expect(await Promise.all(range.map((n) => push(`TOK-${n}`)))).toEqual(range.map(() => ok));
  expect(deliveries.map(({ target }) => target).toSorted()).toEqual(range.map((n) => `TOK-${n}`).toSorted());
  expect(fake.requests()).toEqual({ tokens: 1, messages: 40 });
});

it('reaches an installation ID, and turns data into text', async () => {
  const { push, deliveries } = await start();
  expect(await push('cXy0-_ABCDEFGHIJKLMNOP', { data: { n: 1, o: { a: null } } })).toEqual(ok);
  expect(deliveries[0]?.message).toMatchObject({ fid: 'cXy0-_ABCDEFGHIJKLMNOP', data: { n: '1', o: '{"a":null}' } });
});

it.each([
  ['unregistered.a', { category: 'unregistered', reason: 'UNREGISTERED' }],
  ['badtoken.a', { category: 'invalid_request', reason: 'INVALID_ARGUMENT' }],
  ['throttled.a', { category: 'too_many_requests', reason: 'QUOTA_EXCEEDED', retryAfterSeconds: 2 }],
  ['unavailable.a', { category: 'service_internal', reason: 'UNAVAILABLE', retryAfterSeconds: 10 }],
  ['toolarge.always.a', { category: 'payload_too_large', reason: 'INVALID_ARGUMENT' }],
  ['reset.a', { category: 'connection_lost', reason: 'connection_lost' }],
])('answers for device %s only', async (device, answer) => {
  const { push } = await start();
  const [answered, ...others] = await Promise.all([push(device), ...range.map((n) => push(`TOK-${n}`))]);
  expect(answered).toEqual(answer);
  expect(others).toEqual(range.map(() => ok));
});

it('refuses a message that is too large for FCM', async () => {
  const { push } = await start();
  const data = { a: 'x'.repeat(5000) };
  expect(await push('TOK', { data })).toEqual({ category: 'payload_too_large', reason: 'INVALID_ARGUMENT' });
});

it('gives up on FCM while it is silent, and continues afterwards', async () => {
  const { push, fake, deliveries, oauth } = await start({ timeoutMs: 1_000 });
  await oauth.accessToken();
  fake.playFault({ answer: 'silence' });
  expect(await push('TOK')).toEqual({ category: 'request_timeout', reason: 'request_timeout' });
  fake.playFault(undefined);
  expect(await push('TOK')).toEqual(ok);
  expect(deliveries).toHaveLength(1);
});

it.each([
  [{ answer: 'word.INTERNAL' }, { category: 'service_internal', reason: 'INTERNAL', retryAfterSeconds: 10 }],
  [{ answer: 'unavailable.7' }, { category: 'service_internal', reason: 'UNAVAILABLE', retryAfterSeconds: 7 }],
  [{ answer: 'throttled.none' }, { category: 'too_many_requests', reason: 'QUOTA_EXCEEDED', retryAfterSeconds: 60 }],
  [{ answer: 'word.SENDER_ID_MISMATCH' }, { category: 'invalid_request', reason: 'SENDER_ID_MISMATCH' }],
  [{ answer: 'word.THIRD_PARTY_AUTH_ERROR' }, { category: 'third_party_auth', reason: 'THIRD_PARTY_AUTH_ERROR' }],
  [{ answer: 'html.404' }, { category: 'service_internal', reason: 'service_internal' }],
  [{ answer: 'html.502' }, { category: 'service_internal', reason: 'service_internal' }],
  [{ answer: 'reset' }, { category: 'connection_lost', reason: 'connection_lost' }],
] as const)('handles the fault %j, and continues afterwards', async (fault, answer) => {
  const { push, fake, deliveries } = await start();
  fake.playFault(fault);
  expect(await Promise.all(range.map((n) => push(`TOK-${n}`)))).toEqual(range.map(() => answer));
  fake.playFault(undefined);
  expect(await push('TOK')).toEqual(ok);
  expect(deliveries).toHaveLength(1);
  expect(fake.requests()).toEqual({ tokens: 1, messages: 41 });
});

it('gives each push its own outcome when connections break in mid-flight', async () => {
  const { push, fake, deliveries } = await start();
  await push('TOK');
  const pushes = range.map(async (n) => ({ n, answer: await push(n % 2 ? `slow.60000.${n}` : `TOK-${n}`) }));
  await Promise.all(pushes.filter((_each, n) => n % 2 === 0));
  fake.cut();
  for (const { n, answer } of await Promise.all(pushes))
    expect(answer).toEqual(n % 2 ? { category: 'connection_lost', reason: 'connection_lost' } : ok);
  expect(await push('TOK')).toEqual(ok);
  expect(deliveries.filter(({ target }) => target.startsWith('TOK-'))).toHaveLength(20);
});

it('after GOAWAY, pushes that FCM accepted finish, and the others go over another connection, once', async () => {
  const { push, fake, deliveries } = await start();
  await push('TOK');
  const slow = range.map((n) => push(`slow.60000.${n}`));
  await expect.poll(() => fake.requests().messages, patiently).toBe(41);
  fake.goaway({ unprocessed: 10, reason: 'max_age' });
  await expect.poll(() => fake.requests().messages, patiently).toBe(51);
  fake.endDelays();
  expect(await Promise.all(slow)).toEqual(range.map(() => ok));
  const got = deliveries.map(({ target }) => target);
  expect(new Set(got).size).toBe(got.length);
});

it('GOAWAY in the middle of traffic costs no push, and no device gets one twice', async () => {
  const { push, fake, deliveries } = await start();
  await push('TOK');
  fake.playFault({ answer: 'goaway.Shutdown', token: 'TOK-20', times: 1 });
  expect(await Promise.all(range.map((n) => push(`TOK-${n}`)))).toEqual(range.map(() => ok));
  expect(deliveries.map(({ target }) => target).toSorted()).toEqual(
    ['TOK', ...range.map((n) => `TOK-${n}`)].toSorted(),
  );
});

it('uses fewer streams as soon as FCM says so', async () => {
  const { push, fake } = await start();
  await push('TOK');
  fake.limitStreams(2);
  let [open, most] = [0, 0];
  fake.script(() => {
    open += 1;
    most = Math.max(most, open);
    setImmediate(() => (open -= 1));
    return undefined;
  });
  expect(await Promise.all(range.map((n) => push(`slow.5.${n}`)))).toEqual(range.map(() => ok));
  expect(most).toBeLessThanOrEqual(2);
});

it('passes on the quotas of the project and of a device, until their window opens again', async () => {
  const { push, pass, fake } = await start();
  fake.setQuota({ projectPerMinute: 4, devicePerMinute: 2 });
  const full = (seconds: number) => ({
    category: 'too_many_requests',
    reason: 'QUOTA_EXCEEDED',
    retryAfterSeconds: seconds,
  });
  expect(await push('a')).toEqual(ok);
  pass(20_000);
  expect(await push('a')).toEqual(ok);
  expect(await push('a')).toEqual(full(40));
  expect(await push('b')).toEqual(ok);
  expect(await push('c')).toEqual(full(40));
  pass(40_000);
  expect(await push('a')).toEqual(ok);
});

describe('the token endpoint', () => {
  it.each([
    { answer: 'reset' },
    { answer: 'unavailable' },
    { answer: 'html' },
    { answer: 'malformed' },
    { answer: 'silence' },
    { answer: 'slow', ms: 20_000 },
  ] as const)('may be down ($answer) for longer than the lifetime of a token', async (fault) => {
    const { push, pass, fake, deliveries } = await start(
      fault.answer === 'silence' || fault.answer === 'slow' ? { tokenTimeoutMs: 1_000 } : {},
    );
    expect(await push('TOK')).toEqual(ok);
    fake.playTokenFault(fault);
    // The token is still valid: nobody notices.
    pass(hour - 60_000);
    expect(await Promise.all(range.map(() => push('TOK')))).toEqual(range.map(() => ok));
    // It has expired: pushes are answered with a wait.
    pass(hour);
    for (const answer of await Promise.all(range.map(() => push('TOK'))))
      expect(answer).toMatchObject({ category: 'unable_to_connect', retryAfterSeconds: expect.any(Number) as number });
    expect(deliveries).toHaveLength(41);
    // The endpoint is back, and so are the pushes.
    fake.playTokenFault(undefined);
    pass(60_000);
    expect(await Promise.all(range.map(() => push('TOK')))).toEqual(range.map(() => ok));
    expect(deliveries).toHaveLength(81);
  });

  it('refuses a key that was deleted, until it is replaced', async () => {
    const { push, pass, fake, oauth, trustedAccount } = await start();
    expect(await push('TOK')).toEqual(ok);
    fake.tokens.deleteKey('key-1');
    pass(hour);
    expect(await push('TOK')).toMatchObject({ category: 'auth', reason: 'invalid_grant' });
    oauth.swap(trustedAccount('key-2'));
    expect(await Promise.all(range.map(() => push('TOK')))).toEqual(range.map(() => ok));
  });

  it('loses no push while a key is replaced', async () => {
    const { push, fake, oauth, trustedAccount } = await start();
    await push('TOK');
    const next = trustedAccount('key-2');
    fake.tokens.deleteKey('key-1');
    const before = range.map(() => push('TOK'));
    oauth.swap(next);
    const after = range.map(() => push('TOK'));
    expect(await Promise.all([...before, ...after])).toEqual([...range, ...range].map(() => ok));
  });

  it.each([-2 * hour, 2 * hour])('accepts us when our clock is off by %i ms', async (skewMs) => {
    const { push, pass } = await start({ skewMs });
    expect(await push('TOK')).toEqual(ok);
    pass(hour);
    expect(await push('TOK')).toEqual(ok);
  });
});

describe('a token that is refused', () => {
  it('is replaced by a single new one, with which every push goes out once', async () => {
    const { push, pass, fake, deliveries } = await start();
    await push('TOK');
    pass(120_000);
    fake.tokens.revokeTokens();
    expect(await Promise.all(range.map((n) => push(`TOK-${n}`)))).toEqual(range.map(() => ok));
    expect(deliveries).toHaveLength(41);
    expect(fake.tokens.issued()).toBe(2);
  });

  it('costs one new token a minute if all of them are', async () => {
    const { push, pass, fake } = await start();
    await push('TOK');
    fake.playFault({ answer: 'word.UNAUTHENTICATED' });
    const refused = { category: 'auth', reason: 'UNAUTHENTICATED' };
    for (let seconds = 0; seconds < 180; seconds += 30) {
      pass(30_000);
      expect(await Promise.all(range.map(() => push('TOK')))).toEqual(range.map(() => refused));
    }
    expect(fake.tokens.issued()).toBeLessThanOrEqual(4);
    fake.playFault(undefined);
    expect(await push('TOK')).toEqual(ok);
  });

  it('is for the operator to fix if it belongs to another project', async () => {
    const { push } = await start({ projectId: 'chat-2' });
    expect(await push('TOK')).toEqual({ category: 'auth', reason: 'PERMISSION_DENIED' });
  });
});
