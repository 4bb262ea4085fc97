import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { generateKeyPairSync } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Notification } from '../../push/notification.ts';
import { createFakeAuthority, startFakeWebPush } from '@pushmesh/fakes';
import type { WebPushDelivery } from '@pushmesh/fakes';
import { createEndpoints } from './endpoints.ts';
import { createOriginCircuits } from './origin-circuits.ts';
import { createWebPushProvider } from './provider.ts';
import { createVapid, parseVapidIdentity } from './vapid.ts';

// The provider as in production, over TLS, against a fake push service with user agents behind it.

const ok = { category: 'ok' };
const authority = createFakeAuthority();
const certificate = authority.issue('fake push service');
const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
const range = Array.from({ length: 20 }, (_, index) => index);

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const identity = () => {
  const parsed = parseVapidIdentity(pem.toString(), 'mailto:push@example.com');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.identity;
};
const { publicKey } = identity();

const start = async (more: Partial<Parameters<typeof createEndpoints>[0]> = {}, skewMs = 0) => {
  const deliveries: WebPushDelivery[] = [];
  const fake = await startFakeWebPush({ certificate, onDelivered: (each) => deliveries.push(each) });
  const endpoints = createEndpoints({
    timeoutMs: 10_000,
    maxInFlight: 100,
    maxInFlightPerOrigin: 100,
    maxIdle: 100,
    allowPrivate: true,
    ca: authority.ca,
    ...more,
  });
  const clock = () => Date.now() + skewMs;
  const vapid = createVapid({ identity: identity(), clock });
  const circuits = createOriginCircuits({ clock, random: () => 1, tryMs: 10_000 });
  const provider = createWebPushProvider({ mode: 'prod', tags: [], endpoints, circuits, vapid, clock });
  stops.push(endpoints.close, fake.stop);
  return {
    fake,
    provider,
    deliveries,
    push: (subscription: string, request: Partial<Notification> = {}) =>
      provider.push({
        device_id: subscription,
        service: 'webpush',
        mode: 'prod',
        tags: [],
        alert: { title: 't', body: 'b' },
        ...request,
      }),
  };
};

it('delivers a message that only the device can read', async () => {
  const { push, fake, deliveries, provider } = await start();
  const subscriptions = range.map((n) => fake.subscribe(`phone-${n}`, publicKey));
  const data = { n: 1 };
  const pushes = subscriptions.map((each) => push(each, { data, priority: 'high', time_to_live: 60 }));
  expect(await Promise.all(pushes)).toEqual(range.map(() => ok));
  expect(deliveries.map(({ device }) => device).toSorted()).toEqual(range.map((n) => `phone-${n}`).toSorted());
  expect(deliveries[0]).toMatchObject({
    text: JSON.stringify({ alert: { title: 't', body: 'b' }, data }),
    ttl: 60,
    urgency: 'high',
  });
  expect(provider.service).toBe('webpush');
});

it('fills a message to the last octet, and sends no longer one', async () => {
  const { push, fake, deliveries } = await start();
  const subscription = fake.subscribe('phone');
  const bodyOf = (size: number) => ({ alert: { title: '', body: 'x'.repeat(size) } });
  const around = JSON.stringify(bodyOf(0)).length;
  expect(await push(subscription, bodyOf(3993 - around))).toEqual(ok);
  expect(await push(subscription, bodyOf(3994 - around))).toEqual({
    category: 'payload_too_large',
    reason: 'payload_too_large',
  });
  expect(deliveries).toHaveLength(1);
  expect(fake.requests()).toBe(1);
});

it.each([
  ['unregistered.a', { category: 'unregistered', reason: 'unregistered' }],
  ['badtoken.a', { category: 'invalid_request', reason: 'invalid_request' }],
  ['throttled.a', { category: 'too_many_requests', reason: 'too_many_requests', retryAfterSeconds: 2 }],
  ['unavailable.a', { category: 'service_internal', reason: 'service_internal' }],
  ['toolarge.always.a', { category: 'payload_too_large', reason: 'payload_too_large' }],
  ['reset.a', { category: 'connection_lost', reason: 'connection_lost' }],
])('answers for device %s only', async (device, answer) => {
  const { push, fake } = await start();
  const subscriptions = [device, ...range.map((n) => `phone-${n}`)].map((each) => fake.subscribe(each));
  const [answered, ...others] = await Promise.all(subscriptions.map((each) => push(each)));
  expect(answered).toEqual(answer);
  expect(others).toEqual(range.map(() => ok));
});

it('does not take a subscription for another key for an outage', async () => {
  const { push, fake } = await start();
  const strange = parseVapidIdentity(certificate.key, 'mailto:a@b.example');
  const subscription = fake.subscribe('phone', strange.ok ? strange.identity.publicKey : '');
  expect(await push(subscription)).toEqual({ category: 'invalid_request', reason: 'vapid_refused' });
});

it.each([-7_200_000, 7_200_000])('is accepted when our clock is off by %i ms', async (skewMs) => {
  const { push, fake } = await start({}, skewMs);
  expect(await push(fake.subscribe('phone', publicKey))).toEqual(ok);
});

it('refuses anything but a subscription, before anything is sent', async () => {
  const { push, fake } = await start();
  expect(await push('TOK')).toEqual({ category: 'invalid_request', reason: 'not_a_subscription' });
  expect(fake.requests()).toBe(0);
});

it('follows no redirect', async () => {
  const { push, fake } = await start();
  const { fake: other } = await start();
  fake.playFault({ answer: 'status', status: 307, headers: { location: `${other.origin}/push/phone` } });
  expect(await push(fake.subscribe('phone'))).toEqual({ category: 'invalid_request', reason: 'redirected' });
  expect(other.requests()).toBe(0);
});

describe('the address guard', () => {
  const refused = { category: 'invalid_request', reason: 'endpoint_not_allowed' };
  const at = (subscription: string, host: string) => subscription.replace('//localhost:', `//${host}:`);

  it.each(['127.0.0.1', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]', '169.254.169.254', '10.0.0.1'])(
    'lets nobody point to %s',
    async (host) => {
      const { push, fake } = await start({ allowPrivate: false });
      expect(await push(at(fake.subscribe('phone'), host))).toEqual(refused);
      expect(fake.requests()).toBe(0);
    },
  );

  it.each([[['127.0.0.1']], [['::1', '10.0.0.1']], [['::ffff:127.0.0.1']], [['fd00::1']]])(
    'looks at what DNS says: %j',
    async (addresses) => {
      const { push, fake } = await start({ allowPrivate: false, resolve: async () => addresses });
      expect(await push(at(fake.subscribe('phone'), 'push.example'))).toEqual(refused);
      expect(fake.requests()).toBe(0);
    },
  );

  it('connects to the very addresses that it has checked, without a second lookup', async () => {
    const answers = [['192.0.2.1'], ['127.0.0.1']];
    let asked = 0;
    const resolve = async () => answers[asked++] ?? [];
    const { push, fake } = await start({ allowPrivate: false, resolve });
    expect(await push(at(fake.subscribe('phone'), 'push.example'))).toEqual(refused);
    expect(asked).toBe(1);
    expect(fake.requests()).toBe(0);
  });

  it('treats a name without an address as an outage', async () => {
    const resolve = () => Promise.reject(new Error('ENOTFOUND'));
    const { push, fake } = await start({ allowPrivate: false, resolve });
    const answer = await push(at(fake.subscribe('phone'), 'push.example'));
    expect(answer).toEqual({ category: 'unable_to_connect', reason: 'unable_to_connect' });
  });
});

it.each([
  [0, 5],
  [1, 1],
])('keeps at most %i connections, and so opens %i for five pushes', async (maxIdle, connections) => {
  const { push, fake } = await start({ maxIdle });
  let made = 0;
  const toFake = Number(new URL(fake.origin).port);
  const between = createServer((socket) => {
    made += 1;
    const other = connect(toFake, '127.0.0.1');
    socket.on('error', () => other.destroy()).pipe(other);
    other.on('error', () => socket.destroy()).pipe(socket);
  });
  between.listen(0, '127.0.0.1');
  await once(between, 'listening');
  stops.push(() => between.close());
  const { port } = between.address() as AddressInfo;
  const subscription = fake.subscribe('phone').replace(`:${toFake}/`, `:${port}/`);
  for (let n = 0; n < 5; n += 1) await push(subscription);
  expect(made).toBe(connections);
});

describe('a push service that misbehaves', () => {
  it('is given up while it is silent, and used again afterwards', async () => {
    const { push, fake, deliveries } = await start({ timeoutMs: 1_000 });
    const subscription = fake.subscribe('phone');
    fake.playFault({ answer: 'silence' });
    expect(await push(subscription)).toEqual({ category: 'request_timeout', reason: 'request_timeout' });
    fake.playFault(undefined);
    expect(await push(subscription)).toEqual(ok);
    expect(deliveries).toHaveLength(1);
  });

  it('counts as unreachable if its certificate is not trusted', async () => {
    const { push, fake } = await start({ ca: createFakeAuthority().ca });
    const answer = await push(fake.subscribe('phone'));
    expect(answer).toEqual({ category: 'unable_to_connect', reason: 'unable_to_connect' });
  });

  it('counts as unreachable if it says nothing', async () => {
    const sockets: Socket[] = [];
    const mute = createServer((socket) => void sockets.push(socket.on('error', () => socket.destroy())));
    mute.listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const { push, fake } = await start({ timeoutMs: 300 });
    const subscription = fake.subscribe('phone');
    const { port } = mute.address() as AddressInfo;
    const answer = await push(subscription.replace(fake.origin, `https://localhost:${port}`));
    expect(answer).toEqual({ category: 'unable_to_connect', reason: 'unable_to_connect' });
    for (const socket of sockets) socket.destroy();
    mute.close();
  });

  it.each([
    ['', 'connection_lost'],
    ['HTTP/1.1 201 Created\r\nLocation: x\r\n', 'connection_lost'],
    ['HTTP/1.1 100 Continue\r\n\r\n', 'connection_lost'],
    ['HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n', 'connection_lost'],
    ['HTTP/1.1 000 \r\n\r\n', 'invalid_request'],
  ])('has taken nothing if it hangs up after %j', async (text, category) => {
    const odd = createTlsServer(certificate, (socket) =>
      socket.on('error', () => {}).once('data', () => socket.end(text)),
    );
    await once(odd.listen(0, '127.0.0.1'), 'listening');
    stops.push(() => odd.close());
    const { push, fake } = await start();
    const endpoint = `https://localhost:${(odd.address() as AddressInfo).port}`;
    expect(await push(fake.subscribe('phone').replace(fake.origin, endpoint))).toMatchObject({ category });
  });

  it('frees the slot of a push that has ended', async () => {
    const { push, fake } = await start({ maxInFlight: 1 });
    const subscription = fake.subscribe('phone');
    for (const fault of [{ answer: 'reset' }, { answer: 'status', status: 500 }, undefined] as const) {
      fake.playFault(fault);
      await vi.waitFor(async () => expect(await push(subscription)).not.toMatchObject({ reason: 'queue_full' }));
    }
    await vi.waitFor(async () => expect(await push(subscription)).toEqual(ok));
  });

  it('does not delay the others', async () => {
    const { push, fake } = await start({ maxInFlightPerOrigin: 2 });
    const { fake: other } = await start();
    const slow = ['slow.60000.a', 'slow.60000.b'].map((each) => push(fake.subscribe(each)));
    expect(await push(fake.subscribe('phone'))).toEqual({ category: 'unable_to_connect', reason: 'queue_full' });
    expect(await push(other.subscribe('phone'))).toEqual(ok);
    await fake.stop();
    for (const answer of await Promise.all(slow)) expect(answer).not.toMatchObject({ reason: 'queue_full' });
  });

  it('is left alone if all of it is down, and the others are not', async () => {
    const { push, fake, provider } = await start();
    const { fake: other } = await start();
    fake.playFault({ answer: 'status', status: 503 });
    const subscription = fake.subscribe('phone');
    for (const _ of range) await push(subscription);
    expect(fake.requests()).toBe(3);
    expect(await push(subscription)).toEqual({
      category: 'unable_to_connect',
      reason: 'origin_is_out',
      retryAfterSeconds: 30,
    });
    expect(await push(other.subscribe('phone'))).toEqual(ok);
    expect(provider.connections()).toEqual({ connected: 1, disconnected: 1 });
  });

  it.each([429, 500, 507])('is still tried after a %i, which may be about one subscription', async (status) => {
    const { push, fake } = await start();
    fake.playFault({ answer: 'status', status });
    const subscription = fake.subscribe('phone');
    for (const _ of range) await push(subscription);
    expect(fake.requests()).toBe(range.length);
  });
});
