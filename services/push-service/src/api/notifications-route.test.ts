import { linesOfJson, notificationsPerRequest } from '@pushmesh/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProviderAnswer } from '../push/category.ts';
import { refuse } from '../push/category.ts';
import { alert, fcmProvider, startPushService } from '../../testing/start-push-service.ts';

/** The device `held` is answered on `release`, `bug` throws, any other is answered at once. */
let release: (answer: ProviderAnswer) => void;
const provider = fcmProvider(({ device_id }) => {
  if (device_id === 'bug') throw new Error('a bug');
  if (device_id === 'dead') return Promise.resolve({ ...refuse('unregistered'), unregisteredAt: 1_700_000_000_000 });
  if (device_id === 'held') return new Promise((resolve) => (release = resolve));
  return Promise.resolve({ category: 'ok' });
});

const token = 'the-token-of-the-caller';
let service: Awaited<ReturnType<typeof startPushService>>;
beforeAll(async () => {
  service = await startPushService({ providers: [provider], http: { bearerTokens: [token] } });
});
afterAll(() => service.stop());

const to = (device_id: string, notification: unknown = { service: 'fcm', alert }) => ({ device_id, notification });
const authorized = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
const send = (body: unknown, init: RequestInit = {}) =>
  fetch(`${service.url}/v3/notifications`, {
    method: 'POST',
    headers: authorized,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
  });
const linesOf = async (response: Response) =>
  (await response.text())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { place: number; status: number });

describe('POST /v3/notifications', () => {
  it('answers each notification as if it had been sent alone', async () => {
    const misfit = { service: 'fcm', alert: { title: 't' } };
    const response = await send([
      to('phone'),
      to('dead'),
      to('bug'),
      to('phone', misfit),
      to('x', { service: 'apns', alert }),
    ]);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, linesOfJson]);
    const lines = await linesOf(response);
    expect(lines.toSorted((a, b) => a.place - b.place)).toEqual([
      { place: 0, status: 200, body: null },
      {
        place: 1,
        status: 410,
        headers: { 'x-unregistered-at': '1700000000000' },
        body: { reason: 'unregistered' },
      },
      { place: 2, status: 500, body: { reason: 'internal_error', details: expect.any(String) } },
      {
        place: 3,
        status: 422,
        body: {
          errors: [{ message: 'Missing field: body', source: { pointer: '/alert/body' }, title: 'Invalid value' }],
        },
      },
      { place: 4, status: 400, body: { reason: 'no_matching_pool' } },
    ]);
  });

  it('accepts as a device id what a path would accept', async () => {
    const devices = ['a/b c', 'x'.repeat(16_384), '', 'x'.repeat(16_385), '\ud800'];
    const lines = await linesOf(await send(devices.map((device) => to(device))));
    const statuses = lines.toSorted((a, b) => a.place - b.place).map(({ status }) => status);
    expect(statuses).toEqual([200, 200, 422, 422, 422]);
  });

  it('allows the same nesting as for one notification', async () => {
    const nested = (levels: number) => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`) as unknown;
    const deep = { service: 'fcm', data: { a: nested(62) } };
    expect(await linesOf(await send([to('phone', deep)]))).toEqual([{ place: 0, status: 200, body: null }]);
    expect((await send([to('phone', { ...deep, data: { a: nested(63) } })])).status).toBe(400);
  });

  it('sends each answer as soon as it is known', async () => {
    const response = await send([to('held'), to('phone')]);
    const reader = (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream()).getReader();
    expect(JSON.parse((await reader.read()).value ?? '')).toEqual({ place: 1, status: 200, body: null });
    release({ category: 'ok' });
    expect(JSON.parse((await reader.read()).value ?? '')).toEqual({ place: 0, status: 200, body: null });
    expect((await reader.read()).done).toBe(true);
  });

  it('finishes the pushes when the caller hangs up', async () => {
    const caller = new AbortController();
    const response = await send([to('held'), to('phone')], { signal: caller.signal });
    expect(response.status).toBe(200);
    caller.abort();
    await expect(response.text()).rejects.toMatchObject({ name: 'AbortError' });
    const before = await counted('200');
    release({ category: 'ok' });
    await expect.poll(() => counted('200')).toBe(before + 1);
    expect(await linesOf(await send([to('phone')]))).toHaveLength(1);
  });

  it('accepts as many as it says', async () => {
    const alone = await service.server.inject({
      method: 'POST',
      url: '/v3/notification/phone',
      headers: authorized,
      payload: JSON.stringify(to('').notification),
    });
    expect(alone.headers['x-notifications']).toBe(String(notificationsPerRequest));
    const many = (count: number) => Array.from({ length: count }, () => to('phone'));
    expect(await linesOf(await send(many(notificationsPerRequest)))).toHaveLength(notificationsPerRequest);
    expect((await send(many(notificationsPerRequest + 1))).status).toBe(422);
  });

  it.each([
    ['no JSON', '{', 400],
    ['nothing', '', 400],
    ['none', [], 422],
    ['far too many', Array.from({ length: 80_000 }, () => ({})), 422],
    ['a notification that is not in an array', to('phone'), 422],
    ['no device', [{ notification: {} }], 422],
    ['no notification', [{ device_id: 'phone' }], 422],
    ['a notification that is not an object', [to('phone', [])], 422],
    ['an unexpected field', [{ ...to('phone'), more: 1 }], 422],
    ['more than any push service accepts', [to('x'.repeat(300_000))], 413],
  ])('refuses %s as a whole', async (_what, body, status) => {
    const before = await counted(String(status));
    expect((await send(body)).status).toBe(status);
    expect(await counted(String(status))).toBe(before + 1);
  });

  it('refuses callers, types and methods as for one notification', async () => {
    const one = [to('phone')];
    const statusWith = async (headers: Record<string, string>, method = 'POST') =>
      (await send(one, { method, headers: { ...authorized, ...headers } })).status;
    expect(await statusWith({ authorization: 'Bearer other' })).toBe(401);
    expect(await statusWith({ accept: 'text/html' })).toBe(406);
    expect(await statusWith({ accept: linesOfJson })).toBe(200);
    expect(await statusWith({ 'content-type': 'text/plain' })).toBe(422);
    expect(await statusWith({}, 'PUT')).toBe(405);
  });

  it('logs each trace id, but no tokens or texts', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await linesOf(await send([{ ...to('secret-token'), traceparent }, to('bug')]));
    const log = service.lines.join('');
    expect(log).toContain('0af7651916cd43dd8448eb211c80319c');
    for (const secret of ['secret-token', alert.title, alert.body, 'a bug']) expect(log).not.toContain(secret);
  });
});

/** How many answers of this status the metric has. */
const counted = async (status: string): Promise<number> => {
  const samples = (await service.metricsText()).matchAll(
    new RegExp(`requests_total\\{version="v3",push_service="\\w+",status="${status}".*\\} (\\d+)`, 'g'),
  );
  return Array.from(samples, ([, count]) => Number(count)).reduce((sum, count) => sum + count, 0);
};
