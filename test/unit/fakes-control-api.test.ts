import { once } from 'node:events';
import { mkdtempSync, readFileSync, statSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:http2';
import type { IncomingHttpHeaders, Settings } from 'node:http2';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startFakes } from '@pushmesh/fakes';
import type { Fakes } from '@pushmesh/fakes';
import { createLog, createMetrics } from '@pushmesh/telemetry';
import { createControlApi } from '../../libs/fakes/src/control-api.ts';
import { writeCredentials } from '../../libs/fakes/src/credentials-folder.ts';
import { createLedger } from '../../libs/fakes/src/ledger.ts';
import { readPushServiceConfig } from '../../services/push-service/src/config.ts';
import { pushServiceMetrics } from '../../services/push-service/src/metrics.ts';
import { openProviders } from '../../services/push-service/src/providers/open.ts';
import { patiently } from '../../services/push-service/testing/http2-peer.ts';

// The control API of `npm run fakes`. The providers of push-service push, with the variables that `npm run fakes` writes.

const dir = mkdtempSync(join(tmpdir(), 'pushmesh-fakes-'));
let fakes: Fakes;
let control: ReturnType<typeof createControlApi>;
let providers: ReturnType<typeof openProviders>;

beforeAll(async () => {
  const ledger = createLedger({ maxPhones: 10, maxNotifications: 5, maxKeys: 5 });
  fakes = await startFakes({ projects: { 'pushmesh-fakes': undefined }, onReceived: ledger.add });
  control = createControlApi({ fakes, ledger });
  const { NODE_EXTRA_CA_CERTS: ca = '', ...variables } = writeCredentials(dir, fakes.connectionDetails);
  const config = readPushServiceConfig(variables);
  if (!config.providers) throw new Error('no providers');
  providers = openProviders(config.providers, {
    log: createLog('test', 'silent'),
    metrics: createMetrics('push-service').add(pushServiceMetrics),
    ca: readFileSync(ca, 'utf8'),
  });
  await providers.resource.start();
});
afterAll(async () => {
  await providers.resource.stop();
  await control.close();
  await fakes.stop();
});

const call = async (method: 'GET' | 'PUT' | 'POST' | 'DELETE', url: string, payload?: object) => {
  const response = await control.inject({ method, url, ...(payload && { payload }) });
  return { status: response.statusCode, body: response.body === '' ? undefined : (response.json() as unknown) };
};
const push = (service: 'fcm' | 'apns' | 'webpush', device_id: string, body = 'b') => {
  const provider = providers.providers.find((each) => each.service === service && each.mode === 'prod');
  return provider?.push({ service, device_id, mode: 'prod', tags: [], alert: { title: 't', body } });
};
const subscribe = async (device: string) => JSON.stringify((await call('POST', `/subscriptions/${device}`)).body);
afterEach(() => call('POST', '/reset'));

it('restricts the credentials to their owner', () => {
  expect(statSync(join(dir, 'service-account.json')).mode & 0o077).toBe(0);
});

it('lists what arrived for a device, refused or not, and what arrived twice', async () => {
  await push('apns', 'phone');
  await push('fcm', 'unregistered.phone');
  await push('fcm', 'phone');
  await push('fcm', 'phone');
  expect((await call('GET', '/received/phone')).body).toMatchObject({
    received: [
      { service: 'apns', mode: 'prod', title: 't', answer: 'accept' },
      { service: 'fcm', answer: 'accept' },
      { service: 'fcm', answer: 'accept' },
    ],
  });
  expect((await call('GET', '/received/unregistered.phone')).body).toMatchObject({
    received: [{ answer: 'unregistered' }],
  });
  expect((await call('GET', '/duplicates')).body).toMatchObject({ duplicates: [{ device_id: 'phone', times: 2 }] });
  expect((await call('GET', '/')).body).toMatchObject({ received: 4, accepted: 3, refused: 1, duplicates: 1 });
});

it('reports tokens with an invalid prefix', async () => {
  expect(await push('fcm', 'throtled.30.phone')).toMatchObject({ category: 'invalid_request' });
  expect((await call('GET', '/received/throtled.30.phone')).body).toMatchObject({
    received: [{ answer: 'mistaken' }],
    mistake: expect.stringContaining('"throtled" is not one of'),
  });
  expect((await call('GET', '/')).body).toMatchObject({ refused: 1, mistaken: 1 });
  expect((await call('POST', '/subscriptions/throtled.30.phone')).status).toBe(422);
});

it('applies faults until they are over or deleted', async () => {
  expect((await call('PUT', '/faults', [{ answer: 'party' }])).status).toBe(422);
  expect((await call('PUT', '/faults', { answer: 'throttled.7', service: 'fcm', times: 1 })).status).toBe(204);
  expect(await push('apns', 'phone')).toEqual({ category: 'ok' });
  expect(await push('fcm', 'phone')).toMatchObject({ category: 'too_many_requests', retryAfterSeconds: 7 });
  expect(await push('fcm', 'phone')).toEqual({ category: 'ok' });
  await call('PUT', '/faults', [{ answer: 'badtoken', token: 'a' }, { answer: 'word.Shutdown' }]);
  expect(await push('apns', 'a')).toMatchObject({ reason: 'BadDeviceToken' });
  expect(await push('apns', 'b')).toMatchObject({ reason: 'Shutdown' });
  await call('DELETE', '/faults');
  expect(await push('apns', 'a')).toEqual({ category: 'ok' });
});

it('says what it expects when it gets something else', async () => {
  const send = async (type: string, payload: string) => {
    const response = await control.inject({
      method: 'PUT',
      url: '/faults',
      headers: { 'content-type': type },
      payload,
    });
    return [response.statusCode, response.json<{ errors: { message: string }[] }>().errors[0]?.message];
  };
  const form = 'application/x-www-form-urlencoded';
  expect(await send(form, '{"answer":"cut"}')).toEqual([
    415,
    `expected JSON, with the header content-type: application/json (content-type: ${form})`,
  ]);
  expect(await send('application/json', '{')).toEqual([400, expect.stringContaining('the body is not JSON')]);
  expect((await call('POST', '/connections', { do: 'explode' })).body).toMatchObject({
    errors: [{ message: expect.stringContaining('expected one of goaway, cut, silence') }],
  });
});

it('limits, ends and silences connections, and enforces quotas', async () => {
  await push('apns', 'a');
  await call('PUT', '/streams', { service: 'apns', limit: 1 });
  await call('POST', '/connections', { do: 'goaway', service: 'apns', reason: 'Shutdown' });
  expect(await push('apns', 'a')).toEqual({ category: 'ok' });
  await call('POST', '/connections', { do: 'silence', service: 'apns', mode: 'prod' });
  expect(['connection_lost', 'request_timeout']).toContain((await push('apns', 'a'))?.category);
  await expect.poll(() => push('apns', 'a'), patiently).toEqual({ category: 'ok' });
  await call('PUT', '/quota', { devicePerMinute: 1 });
  expect(await push('fcm', 'q')).toEqual({ category: 'ok' });
  expect(await push('fcm', 'q')).toMatchObject({ category: 'too_many_requests' });
  expect((await call('GET', '/received/q')).body).toMatchObject({
    received: [{ answer: 'accept' }, { answer: 'throttled' }],
  });
});

it('can be reset although a connection is silent', async () => {
  await push('apns', 'a');
  for (let times = 0; times < 12; times += 1) fakes.apns.prod.limitStreams(1_000);
  expect((await call('POST', '/reset')).status).toBe(204);
});

it('accepts a mode for APNs only', async () => {
  const { apns, fcm, ca } = fakes.connectionDetails;
  const open = async (origin: string) => {
    const session = connect(origin, { ca }).on('error', () => {});
    await once(session, 'remoteSettings');
    return session;
  };
  const [toApns, toFcm] = [await open(apns.origins.prod), await open(fcm.origin)];
  const cut = once(toApns, 'close');
  await call('POST', '/connections', { do: 'cut', mode: 'prod' });
  await cut;
  expect(await new Promise((resolve) => toFcm.ping(resolve))).toBeNull();
  toFcm.destroy();
  const refusals = [
    await call('POST', '/connections', { do: 'cut', service: 'fcm', mode: 'dev' }),
    await call('PUT', '/streams', { limit: 1, service: 'fcm', mode: 'dev' }),
    await call('PUT', '/faults', { answer: 'cut', service: 'fcm', mode: 'dev' }),
    await call('PUT', '/faults', { answer: 'cut', service: 'webpush', mode: 'dev' }),
  ];
  for (const refusal of refusals)
    expect(refusal).toMatchObject({
      status: 422,
      body: { errors: [{ message: expect.stringContaining('has no modes here'), source: { pointer: '/mode' } }] },
    });
});

it('accepts too many collapsible messages for one device, and holds them back', async () => {
  await call('PUT', '/quota', { collapsibleBurst: 2 });
  for (const device of ['q', 'q', 'q', 'q', 'other']) expect(await push('fcm', device)).toEqual({ category: 'ok' });
  const delays = async (device: string) => {
    const { received } = (await call('GET', `/received/${device}`)).body as { received: { delay_ms?: number }[] };
    return received.map(({ delay_ms: ms = 0 }) => ms > 170_000 && ms <= 180_000);
  };
  expect(await delays('q')).toEqual([false, false, true, true]);
  expect(await delays('other')).toEqual([false]);
});

it('limits the streams of new connections too', async () => {
  const streamsOf = async (origin: string) => {
    const session = connect(origin, { ca: fakes.connectionDetails.ca });
    const [settings] = (await once(session, 'remoteSettings')) as [Settings];
    session.destroy();
    return settings.maxConcurrentStreams;
  };
  await call('PUT', '/streams', { limit: 3 });
  expect(await streamsOf(fakes.connectionDetails.fcm.origin)).toBe(3);
  // APNs grants one stream until the sender is authenticated.
  expect(await streamsOf(fakes.connectionDetails.apns.origins.prod)).toBe(1);
  await call('POST', '/reset');
  expect(await streamsOf(fakes.connectionDetails.fcm.origin)).toBe(100);
});

it('creates Web Push subscriptions, and decrypts what arrives for them', async () => {
  expect(await push('webpush', await subscribe('browser'))).toEqual({ category: 'ok' });
  expect((await call('GET', '/received/browser')).body).toMatchObject({
    received: [{ service: 'webpush', title: 't', body: 'b', answer: 'accept' }],
  });
});

it('refuses Web Push messages for their content, and lists those too', async () => {
  const subscription = await subscribe('toolarge.browser');
  expect(await push('webpush', subscription, 'x'.repeat(513))).toMatchObject({ category: 'payload_too_large' });
  expect(await push('webpush', subscription, 'x'.repeat(512))).toEqual({ category: 'ok' });
  expect((await call('GET', '/received/toolarge.browser')).body).toMatchObject({
    received: [{ answer: 'toolarge' }, { answer: 'accept' }],
  });
});

it('applies faults of the token endpoint, and ends delays', async () => {
  const { tokenUri } = fakes.connectionDetails.fcm;
  const post = (url: string, body: string) => {
    const sent = request(url, { method: 'POST', ca: fakes.connectionDetails.ca });
    sent.end(body);
    return once(sent, 'response').then(([response]) => (response as IncomingMessage).statusCode);
  };
  await call('PUT', '/oauth', { answer: 'refused', error: 'invalid_client' });
  expect(await post(tokenUri, 'x')).toBe(401);
  await call('PUT', '/oauth', { answer: 'slow', ms: 9_999_999_999 });
  let answer: unknown;
  void post(tokenUri, 'x').then((status) => {
    answer = status;
  });
  const answerNow = () => {
    fakes.endDelays();
    return answer;
  };
  await expect.poll(answerNow, patiently).toBe(400);
  await call('DELETE', '/oauth');
  await expect(post(tokenUri, 'x'.repeat(200_000))).rejects.toMatchObject({
    code: expect.stringMatching(/RESET|PIPE/),
  });
});

it('validates an FCM message without delivering it if it is asked to', async () => {
  await push('fcm', 'phone');
  const session = connect(fakes.connectionDetails.fcm.origin, { ca: fakes.connectionDetails.ca });
  const send = async (token: string) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/v1/projects/pushmesh-fakes/messages:send',
      authorization: `Bearer ya29.fake-${fakes.fcm.tokens.issued()}`,
    });
    stream.end(JSON.stringify({ validate_only: true, message: { token } }));
    const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
    return headers[':status'];
  };
  expect([await send('phone'), await send('badtoken.phone')]).toEqual([200, 400]);
  session.destroy();
  expect((await call('GET', '/')).body).toMatchObject({ received: 1 });
});

it('forgets subscriptions when it is reset', async () => {
  const subscription = await subscribe('browser');
  await call('POST', '/reset');
  expect(await push('webpush', subscription)).toMatchObject({ category: 'unregistered' });
});

it('accepts delayed requests when the delays end', async () => {
  const waiting = push('webpush', await subscribe('slow.60000.browser'));
  let answer: unknown;
  void waiting?.then((result) => {
    answer = result;
  });
  const answerNow = () => {
    fakes.endDelays();
    return answer;
  };
  await expect.poll(answerNow, patiently).toEqual({ category: 'ok' });
});
