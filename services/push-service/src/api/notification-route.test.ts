import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import type { ProviderAnswer } from '../push/category.ts';
import { alert, fcmProvider, startPushService } from '../../testing/start-push-service.ts';

let service: Awaited<ReturnType<typeof startPushService>>;
beforeAll(async () => {
  service = await startPushService();
});
afterAll(() => service.stop());

const send = (path: string, init: RequestInit = {}) => fetch(service.url + path, init);
const json = { 'content-type': 'application/json' };
const body = JSON.stringify({ service: 'fcm', alert });

/** fetch normalises paths; this sends them as they are. */
const sendRaw = (path: string) =>
  new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
    const sent = request(service.url, { path, method: 'POST', headers: json }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode, text }));
    });
    sent.on('error', reject);
    sent.end(body);
  });

describe('POST /{version}/notification/{device_id}', () => {
  it('decodes the device id, with slashes and colons', async () => {
    expect(await sendRaw('/v3/notification/a:b%3Ac%2Fd%20e')).toEqual({ status: 200, text: 'null' });
    expect(await service.sandbox.phone('a:b:c/d e')).toHaveLength(1);
  });

  it('accepts device ids that are longer than any token, and one slash after them', async () => {
    const token = 'x'.repeat(4096);
    expect((await sendRaw(`/v3/notification/${token}/`)).status).toBe(200);
    expect(await service.sandbox.phone(token)).toHaveLength(1);
  });

  it('refuses a device id that is encoded wrongly, without repeating it', async () => {
    const { status, text } = await sendRaw('/v3/notification/secret%zz');
    expect(status).toBe(400);
    expect(text).not.toContain('secret');
  });

  it.each([
    ['/v3/notification/', 404],
    ['/v3/notification', 404],
    ['/v4/notification/tok', 404],
    ['/v3/notification/a/b', 404],
  ])('answers %s with %i', async (path, status) => {
    const response = await send(path, { method: 'POST', headers: json, body });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ reason: 'no_such_route' });
  });

  it('names the allowed methods', async () => {
    const response = await send('/v2/notification/tok', { method: 'DELETE' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
    expect((await send('/healthcheck', { method: 'POST' })).headers.get('allow')).toBe('GET, HEAD');
  });

  it('refuses a body that is larger than any push', async () => {
    const large = JSON.stringify({ service: 'fcm', alert: { ...alert, body: 'x'.repeat(300_000) } });
    const response = await send('/v3/notification/tok', { method: 'POST', headers: json, body: large });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ reason: 'payload_too_large' });
  });

  it.each(['application/x-www-form-urlencoded', 'text/plain', 'nonsense', 'application/jsonx'])(
    'takes no content of type %s',
    async (type) => {
      const response = await send('/v3/notification/tok', { method: 'POST', headers: { 'content-type': type }, body });
      expect(response.status).toBe(422);
      expect(await response.text()).toContain('Invalid value for header: content-type');
    },
  );

  it.each([
    ['application/json', 200],
    ['text/html, */*;q=0.8', 200],
    ['application/*', 200],
    ['text/html', 406],
  ])('answers accept: %s with %i', async (accept, status) => {
    const response = await send('/v3/notification/tok', { method: 'POST', headers: { ...json, accept }, body });
    expect(response.status).toBe(status);
  });

  it('refuses JSON that is nested too deeply', async () => {
    const deep = `{"service":"fcm","data":{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`;
    const response = await send('/v3/notification/tok', { method: 'POST', headers: json, body: deep });
    expect(response.status).toBe(400);
  });

  it('keeps tokens and texts out of the log, and its trace id in', async () => {
    const headers = { ...json, traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };
    await send('/v3/notification/secret-token', { method: 'POST', headers, body });
    const log = service.lines.join('');
    expect(log).toContain('0af7651916cd43dd8448eb211c80319c');
    for (const secret of ['secret-token', alert.title, alert.body]) expect(log).not.toContain(secret);
  });

  it('counts requests and provider answers', async () => {
    await service.push('badtoken.metrics', { service: 'apns', alert });
    const text = await service.metricsText();
    expect(text).toMatch(/pushmesh_push_service_requests_total\{version="v3",push_service="apns",status="400".*\} 1/);
    expect(text).toMatch(
      /pushmesh_provider_answers_total\{pool="apns_prod",push_service="apns",mode="prod",category="invalid_request".*\} 1/,
    );
  });
});

describe('pushmesh_push_service_requests_total', () => {
  const token = 'the-token-of-the-caller';
  const authorized = { ...json, authorization: `Bearer ${token}` };
  const taken = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<ProviderAnswer>();
  const provider = fcmProvider(({ device_id }) => {
    if (device_id === 'bug') throw new Error('a bug');
    taken.resolve();
    return answer.promise;
  });
  let strict: typeof service;
  beforeAll(async () => {
    strict = await startPushService({ http: { bearerTokens: [token] }, providers: [provider] });
  });
  afterAll(() => strict.stop());

  /** Every sample of the counter, as `version push_service status`. */
  const counts = async () =>
    Object.fromEntries(
      Array.from(
        (await strict.metricsText()).matchAll(
          /requests_total\{version="(\w+)",push_service="(\w+)",status="(\d+)".*\} (\d+)/g,
        ),
        ([, version, pushService, status, count]) => [`${version} ${pushService} ${status}`, Number(count)],
      ),
    );
  const post = (path: string, headers: Record<string, string>, text = body) =>
    strict.server.inject({ method: 'POST', url: path, headers, payload: text });

  it.each([
    ['an unknown token', 'v1 none 401', () => post('/v1/notification/tok', { ...json, authorization: 'Bearer wrong' })],
    ['no token', 'v2 none 401', () => post('/v2/notification/tok', json)],
    [
      'an accept header without JSON',
      'v3 none 406',
      () => post('/v3/notification/tok', { ...authorized, accept: 'text/html' }),
    ],
    [
      'a header content-type',
      'v3 none 422',
      () => post('/v3/notification/tok', { ...authorized, 'content-type': 'x/y' }),
    ],
    ['another method', 'v3 none 405', () => strict.server.inject({ url: '/v3/notification/tok', headers: authorized })],
    ['a path that cannot be decoded', 'v3 none 400', () => post('/v3/notification/%zz', authorized)],
    ['a body that is no JSON', 'v2 none 400', () => post('/v2/notification/tok', authorized, '{')],
    ['a body that is not a push', 'v2 none 422', () => post('/v2/notification/tok', authorized, '{}')],
    ['too large a body', 'v1 none 413', () => post('/v1/notification/tok', authorized, 'x'.repeat(300_000))],
    ['a bug', 'v3 fcm 500', () => post('/v3/notification/bug', authorized)],
    [
      'no pool',
      'v3 apns 400',
      () => post('/v3/notification/tok', authorized, JSON.stringify({ service: 'apns', alert })),
    ],
  ])('counts the answer to %s', async (_what, sample, ask) => {
    const before = await counts();
    expect(String((await ask()).statusCode)).toBe(sample.split(' ')[2]);
    expect(await counts()).toEqual({ ...before, [sample]: 1 });
  });

  it('counts the answer to a caller that has hung up', async () => {
    const caller = new AbortController();
    const init = { method: 'POST', headers: authorized, body, signal: caller.signal };
    const sent = fetch(`${strict.url}/v3/notification/slow`, init);
    await taken.promise;
    caller.abort();
    await expect(sent).rejects.toMatchObject({ name: 'AbortError' });
    // Time for the server to see it.
    await fetch(`${strict.url}/healthcheck`);
    answer.resolve({ category: 'ok' });
    await expect.poll(counts, { timeout: 10_000 }).toMatchObject({ 'v3 fcm 200': 1 });
  });

  it.each(['/v4/notification/tok', '/v3/notification', '/%zz', '/healthcheck'])(
    'does not count POST %s',
    async (path) => {
      const before = await counts();
      expect((await post(path, authorized)).statusCode).toBeGreaterThanOrEqual(400);
      expect(await counts()).toEqual(before);
    },
  );
});

describe('GET /healthcheck', () => {
  it("has MongoosePush's form", async () => {
    expect(await service.json('/healthcheck')).toEqual({
      status: 'pass',
      version: expect.any(String),
      description: expect.any(String),
      checks: {
        'pool:apns_prod': [{ status: 'pass', time: expect.any(String), output: { connected: 1, disconnected: 0 } }],
        'pool:apns_dev': expect.any(Array),
        'pool:fcm_prod': expect.any(Array),
        'pool:fcm_dev': expect.any(Array),
        'pool:webpush': expect.any(Array),
      },
    });
  });

  it.each([
    [[1, 1], 200, 'pass'],
    [[1, 0], 200, 'warn'],
    [[0, 0], 503, 'fail'],
    [[], 503, 'fail'],
  ])('with %j connections answers %i %s', async (connections, status, word) => {
    const providers = connections.map((connected, index) => ({
      name: `fcm_${index + 1}`,
      service: 'fcm' as const,
      mode: 'prod' as const,
      tags: [],
      push: () => Promise.resolve({ category: 'ok' as const }),
      connections: () => ({ connected, disconnected: 1 - connected }),
    }));
    const other = await startPushService({ providers });
    const response = await fetch(`${other.url}/healthcheck`);
    const health = (await response.json()) as { status: string; checks: Record<string, { status: string }[]> };
    await other.stop();
    expect([response.status, health.status]).toEqual([status, word]);
    const each = connections.map((connected) => (connected ? 'pass' : 'fail'));
    expect(Object.values(health.checks).flatMap((checks) => checks.map((check) => check.status))).toEqual(each);
  });

  it('fails a pool whose credentials are refused, until a push is accepted', async () => {
    const answers: ProviderAnswer[] = [{ category: 'auth', reason: 'InvalidProviderToken' }, { category: 'ok' }];
    const provider = {
      name: 'apns_prod',
      service: 'apns' as const,
      mode: 'prod' as const,
      tags: [],
      push: () => Promise.resolve(answers.shift() ?? { category: 'ok' as const }),
      connections: () => ({ connected: 1, disconnected: 0 }),
    };
    const other = await startPushService({ providers: [provider] });
    const health = async () => {
      await other.push('phone', { service: 'apns', alert });
      const response = await fetch(`${other.url}/healthcheck`);
      return [response.status, await response.json()];
    };
    const check = { connected: 1, disconnected: 0, refused: 'InvalidProviderToken' };
    const refused = await health();
    const accepted = await health();
    await other.stop();
    expect(refused).toMatchObject([
      200,
      { status: 'warn', checks: { 'pool:apns_prod': [{ status: 'fail', output: check }] } },
    ]);
    expect(accepted).toMatchObject([200, { status: 'pass' }]);
    expect(other.lines.filter((line) => line.includes('provider-refused'))).toHaveLength(1);
  });
});

describe('any JSON body', () => {
  // Close to a real request, so that many get past validation.
  const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), fc.constant('com.example'));
  const near = fc.record(
    {
      service: fc.constantFrom('fcm', 'apns', 'webpush'),
      alert: fc.record(
        { title: text, body: text, badge: fc.integer(), click_action: text, tag: text, sound: text },
        { requiredKeys: ['title', 'body'] },
      ),
      data: fc.oneof(
        fc.dictionary(text, fc.jsonValue()),
        fc.record({ type: fc.constant('jmi'), 'jmi-sid': fc.jsonValue() }),
      ),
      mode: fc.constantFrom('prod', 'dev'),
      priority: fc.constantFrom('normal', 'high'),
      time_to_live: fc.integer(),
      mutable_content: fc.boolean(),
      topic: text,
    },
    { requiredKeys: ['service'] },
  );

  it('never makes v3 answer 5xx', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(near, fc.jsonValue()), fc.constantFrom('tok', 'a/b', '%'), async (value, token) => {
        const response = await service.server.inject({
          method: 'POST',
          url: `/v3/notification/${encodeURIComponent(token)}`,
          headers: json,
          payload: JSON.stringify(value),
        });
        expect(response.statusCode).toBeLessThan(500);
        expect(() => JSON.parse(response.body) as unknown).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });

  it('never makes v1 and v2 answer anything but null, 422, or 500 with a word', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(near, fc.jsonValue()), fc.constantFrom('v1', 'v2'), async (value, version) => {
        const response = await service.server.inject({
          method: 'POST',
          url: `/${version}/notification/tok`,
          headers: json,
          payload: JSON.stringify(value),
        });
        const { statusCode: status } = response;
        const word = /^\{"details":"\w+"\}$/.test(response.body);
        expect(status === 422 || (status === 200 && response.body === 'null') || (status === 500 && word)).toBe(true);
      }),
    );
  });
});
