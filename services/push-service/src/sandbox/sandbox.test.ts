import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { alert, startPushService } from '../../testing/start-push-service.ts';
import { patiently } from '../../testing/http2-peer.ts';

let service: Awaited<ReturnType<typeof startPushService>>;
const startService = async () => {
  service = await startPushService({ maxPhones: 3, maxNotifications: 2, timeouts: { drainMs: 1_000 } });
};
const stopService = () => service.stop();

const apns = { service: 'apns', alert };
const fcm = { service: 'fcm', alert };
const statuses = async (token: string) => [
  (await service.push(token, apns)).status,
  (await service.push(token, fcm)).status,
];
const fault = (body: unknown) =>
  fetch(`${service.url}/sandbox/fault`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

describe('the prefix of a device token selects the answer', () => {
  beforeAll(startService);
  afterAll(stopService);

  it.each([
    ['unregistered.a', 410],
    ['badtoken.a', 400],
    ['throttled.a', 429],
    ['unavailable.a', 503],
    ['slow.1.a', 200],
    ['unregistered', 200],
    ['constructor.a', 400],
    ['a.unregistered.b', 400],
  ])('%s: %i', async (token, status) => {
    expect(await statuses(token)).toEqual([status, status]);
  });

  it('reports since when an APNs token is unregistered: since it was first seen', async () => {
    const first = await service.push('unregistered.a', apns);
    const since = Number(first.headers.get('x-unregistered-at'));
    expect(since).toBeGreaterThan(1_700_000_000_000);
    const again = await service.push('unregistered.a', apns);
    expect(again.headers.get('x-unregistered-at')).toBe(String(since));
    expect((await service.push('unregistered.a', fcm)).headers.has('x-unregistered-at')).toBe(false);
  });

  it('sends Retry-After to a throttled caller', async () => {
    expect((await service.push('throttled.a', apns)).headers.get('retry-after')).toBe('2');
    expect((await service.push('throttled.a', fcm)).headers.get('retry-after')).toBe('2');
  });

  it('resets the stream, refuses it, breaks off the answer, or cuts the connection', async () => {
    expect(await statuses('reset.a')).toEqual([503, 503]);
    expect(await statuses('break.a')).toEqual([503, 503]);
    expect(await statuses('refused.a')).toEqual([503, 503]);
    expect(await statuses('cut.a')).toEqual([503, 503]);
    expect(await service.sandbox.phone('reset.a')).toEqual([]);
    await expect.poll(() => statuses('a'), patiently).toEqual([200, 200]);
  });

  it('answers with the reasons of both services, and without a reason', async () => {
    expect((await service.push('word.ExpiredToken.a', apns)).status).toBe(410);
    expect((await service.push('word.SENDER_ID_MISMATCH.a', fcm)).status).toBe(400);
    expect(await statuses('status.503.a')).toEqual([503, 503]);
    expect(await statuses('html.502.a')).toEqual([503, 503]);
  });

  it('restricts a token to one environment of APNs', async () => {
    expect(await statuses('devonly.a')).toEqual([400, 200]);
    expect((await service.push('devonly.a', { ...apns, mode: 'dev' })).status).toBe(200);
  });

  it('finds an alert too large until it is shortened', async () => {
    const withBody = (length: number) => ({ service: 'fcm', alert: { title: 't', body: 'x'.repeat(length) } });
    expect((await service.push('toolarge.a', withBody(513))).status).toBe(413);
    expect((await service.push('toolarge.a', withBody(512))).status).toBe(200);
    expect((await service.push('toolarge.always.a', withBody(1))).status).toBe(413);
  });
});

describe('what the push services check', () => {
  beforeAll(startService);
  afterAll(stopService);

  const body = (length: number) => ({ title: '', body: 'x'.repeat(length) });

  it('limits the payload to 4 KiB, and to 5 KiB for a call', async () => {
    for (const to of ['apns', 'fcm']) {
      expect((await service.push('tok', { service: to, alert: body(4000) })).status).toBe(200);
      expect((await service.push('tok', { service: to, alert: body(4096) })).status).toBe(413);
    }
    const call = (length: number) => ({ service: 'apns', data: { type: 'jmi', x: 'x'.repeat(length) } });
    expect((await service.push('tok', call(4900))).status).toBe(200);
    expect((await service.push('tok', call(5120))).status).toBe(413);
  });

  it.each(['from', 'message_type', 'gcm', 'googleid', 'google.x', 'gcm.notification.x'])(
    'reserves the data key %s for FCM',
    async (key) => {
      const data = { [key]: '1' };
      expect((await service.push('tok', { service: 'fcm', data })).status).toBe(400);
      expect((await service.push('tok', { service: 'apns', data })).status).toBe(200);
    },
  );
});

it('measures its pools like those of real providers', async () => {
  await startService();
  await statuses('phone');
  const text = await service.metricsText();
  for (const pool of ['apns_prod', 'fcm_prod']) {
    expect(text).toMatch(new RegExp(`^pushmesh_provider_connection_changes_total\\{pool="${pool}".* [1-9]`, 'm'));
    const seconds = new RegExp(`^pushmesh_provider_last_success_timestamp_seconds\\{pool="${pool}".* (.+)$`, 'm').exec(
      text,
    );
    expect(Math.abs(Number(seconds?.[1]) - Date.now() / 1000)).toBeLessThan(60);
  }
  expect(text).toMatch(/^pushmesh_fcm_quota_used_total\{pool="fcm_prod".* 1$/m);
  const subscription = await service.sandbox.subscription('reset.a');
  for (let n = 0; n < 3; n += 1) await service.push(subscription, { service: 'webpush', alert });
  expect(await service.metricsText()).toMatch(/^pushmesh_web_push_origins_out\{.* 1$/m);
  await stopService();
});

describe('PUT /sandbox/fault', () => {
  beforeEach(startService);
  afterEach(stopService);

  it('simulates an outage of one push service until it is deleted', async () => {
    expect((await fault({ service: 'fcm', answer: 'unavailable' })).status).toBe(200);
    expect(await statuses('tok')).toEqual([200, 503]);
    expect((await fault({ mode: 'dev', answer: 'throttled' })).status).toBe(200);
    expect(await statuses('tok')).toEqual([200, 200]);
    expect((await service.push('tok', { ...fcm, mode: 'dev' })).status).toBe(429);
    expect((await fault({ answer: 'reset' })).status).toBe(200);
    expect(await service.json('/sandbox/fault')).toEqual({ faults: [{ answer: 'reset' }] });
    expect(await statuses('tok')).toEqual([503, 503]);
    expect((await fetch(`${service.url}/sandbox/fault`, { method: 'DELETE' })).status).toBe(204);
    expect(await statuses('tok')).toEqual([200, 200]);
    expect(await service.json('/sandbox/fault')).toEqual({ faults: [] });
  });

  it.each([
    [{}, 'Missing field: answer'],
    [{ answer: 'x' }, expect.stringContaining('"x" is not one of unregistered, badtoken')],
    [{ answer: 'slow' }, 'Missing field: ms'],
    [{ answer: 'slow', ms: 'x' }, 'Invalid integer. Got: string'],
  ])('refuses %j', async (body, message) => {
    const response = await fault(body);
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ errors: [{ message }] });
  });

  it('answers all delayed requests when it stops', async () => {
    await fault({ answer: 'slow', ms: 60_000, times: 1 });
    const waiting = service.push('tok', apns);
    // The fault is over once the push has reached the fake.
    await expect.poll(() => service.sandbox.faults(), patiently).toEqual([]);
    await service.stop();
    expect((await waiting).status).toBe(200);
  });
});

describe('GET /sandbox/devices', () => {
  beforeEach(startService);
  afterEach(stopService);

  it('lists what a phone received, in order', async () => {
    await service.push('a phone', {
      ...apns,
      alert: { ...alert, badge: 2, tag: 'g' },
      data: { a: 1 },
      priority: 'high',
    });
    await service.push('a phone', { service: 'fcm', data: { b: 2 } });
    expect(await service.json('/sandbox/devices/a%20phone')).toEqual({
      device_id: 'a phone',
      notifications: [
        {
          id: 1,
          device_id: 'a phone',
          service: 'apns',
          mode: 'prod',
          ...alert,
          badge: 2,
          tag: 'g',
          data: { a: 1 },
          priority: 'high',
          topic: 'com.example.app',
          push_type: 'alert',
          received_at: expect.any(Number),
          provider: {
            headers: expect.objectContaining({ 'apns-collapse-id': 'g', 'apns-priority': '10' }),
            payload: { a: 1, aps: { alert, badge: 2 } },
          },
        },
        {
          id: 2,
          device_id: 'a phone',
          service: 'fcm',
          mode: 'prod',
          data: { b: '2' },
          received_at: expect.any(Number),
          provider: expect.objectContaining({ token: 'a phone', data: { b: '2' } }),
        },
      ],
    });
  });

  it('lists no phone that received nothing', async () => {
    await service.push('badtoken.a', apns);
    expect(await service.json('/sandbox/devices/badtoken.a')).toEqual({ device_id: 'badtoken.a', notifications: [] });
    expect(await service.json('/sandbox/devices')).toEqual({ devices: [] });
  });

  it('says what is wrong with an invalid token, and creates no subscription for it', async () => {
    const mistake = expect.stringMatching(/^"throtled" is not one of .*throttled/);
    expect(await service.json('/sandbox/devices/throtled.a')).toMatchObject({ notifications: [], mistake });
    const refused = await fetch(`${service.url}/sandbox/subscriptions/throtled.a`, { method: 'POST' });
    expect(refused.status).toBe(422);
    expect(await refused.json()).toMatchObject({ errors: [{ message: mistake }] });
  });

  it('evicts the oldest, and counts that', async () => {
    for (const token of ['a', 'a', 'a', 'b', 'c', 'd']) await service.push(token, fcm);
    expect(await service.json('/sandbox/devices')).toEqual({
      devices: ['d', 'c', 'b'].map((device_id) => ({
        device_id,
        services: ['fcm'],
        notifications: 1,
        last_received_at: expect.any(Number),
      })),
    });
    expect(await service.metricsText()).toMatch(/pushmesh_sandbox_evicted_total\{.*\} 3/);
  });
});

describe('GET /sandbox/events', () => {
  beforeEach(startService);
  afterEach(stopService);

  const listen = async () => {
    const stop = new AbortController();
    const response = await fetch(`${service.url}/sandbox/events`, { signal: stop.signal });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    const until = async (wanted: string) => {
      let text = '';
      for (;;) {
        if (text.includes(wanted)) return text;
        const chunk = await reader?.read();
        if (!chunk || chunk.done) return `${text}<end>`;
        text += chunk.value;
      }
    };
    return { response, until, stop: () => stop.abort() };
  };

  it('reports what phones receive as it arrives', async () => {
    const { response, until, stop } = await listen();
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    await until('\n\n');
    await service.push('tok', { ...fcm, alert: { title: 'two\nlines', body: '' } });
    const [id, data] = (await until('"provider"')).split('\n');
    expect(id).toBe('id: 1');
    expect(JSON.parse(data?.replace('data: ', '') ?? '')).toEqual((await service.sandbox.phone('tok'))[0]);
    stop();
  });

  it('ends with the service', async () => {
    const { until } = await listen();
    await until('\n\n');
    await service.stop();
    expect(await until('never')).toContain('<end>');
  });

  it('limits the number of subscribers', async () => {
    const listeners = await Promise.all([listen(), listen(), listen(), listen()]);
    expect((await listen()).response.status).toBe(503);
    for (const { stop } of listeners) stop();
  });
});

describe('when the thread of the fakes ends', () => {
  beforeEach(startService);
  afterEach(stopService);

  it('fails what waits, reports it as not ready, and stops without delay', async () => {
    expect(service.sandbox.resource.missing()).toBe(undefined);
    // A fault over HTTP would have been checked before it reaches the thread.
    const questions = [service.sandbox.setFaults([{ answer: 'no such' }]), service.sandbox.phones()];
    for (const { status } of await Promise.allSettled(questions)) expect(status).toBe('rejected');
    expect(service.sandbox.resource.missing()).toMatch(/^the fakes crashed with Error/);
    expect((await fetch(`${service.url}/sandbox/devices`)).status).toBe(503);
    expect((await service.push('tok', apns)).status).toBe(503);
    await service.stop();
  });
});

describe('GET /', () => {
  beforeAll(startService);
  afterAll(stopService);

  it('serves a page that loads nothing from elsewhere', async () => {
    const response = await fetch(`${service.url}/`, { headers: { accept: 'text/html' } });
    expect(response.status).toBe(200);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    const page = await response.text();
    expect(page).toContain('npm run demo');
    expect(page).not.toMatch(/innerHTML|https?:\/\//);
  });
});
