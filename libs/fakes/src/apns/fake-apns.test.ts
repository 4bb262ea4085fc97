import { sign } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:http2';
import type { IncomingHttpHeaders } from 'node:http2';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { createFakeAuthority } from '../fake-authority.ts';
import { startFakeApns } from './fake-apns.ts';
import type { ApnsDelivery, FakeApnsOptions } from './fake-apns.ts';
import { createFakeApnsKey } from './provider-token.ts';

const authority = createFakeAuthority();
const key = createFakeApnsKey();
const now = Date.UTC(2026, 10, 1);
const minute = 60_000;
/** As long as a busy machine may need. */
const patiently = { interval: 5, timeout: 20_000 };

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const jwt = (claims: object = {}, header: object = {}, { p8 } = key): string => {
  const signed = [
    { alg: 'ES256', kid: key.keyId, ...header },
    { iss: key.teamId, iat: now / 1000, ...claims },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = sign('sha256', Buffer.from(signed), { key: p8, dsaEncoding: 'ieee-p1363' });
  return `bearer ${signed}.${signature.toString('base64url')}`;
};

/** Created once: another signature of the same claims would be another token. */
const bearer = jwt();

const start = async (more: Partial<FakeApnsOptions> = {}) => {
  const delivered: ApnsDelivery[] = [];
  let time = now;
  const fake = await startFakeApns({
    authority,
    keys: [key],
    clock: () => time,
    onDelivered: (delivery) => delivered.push(delivery),
    ...more,
  });
  cleanups.push(fake.stop);
  const client = await connectTo(fake.origin);
  const post = async (headers: Record<string, string | undefined> = {}, body = '{"aps":{"badge":1}}', token = 'T') => {
    const all = { authorization: bearer, 'apns-topic': 'com.example.app', 'apns-push-type': 'alert', ...headers };
    const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Record<
      string,
      string
    >;
    const answer = await client.post(`/3/device/${token}`, given, body);
    const { reason } = JSON.parse(answer.body || '{}') as { reason?: string };
    return reason === undefined ? answer.status : `${answer.status} ${reason}`;
  };
  return { fake, client, post, delivered, pass: (ms: number) => void (time += ms) };
};

/** One connection, which keeps to the stream limit of the server. */
const connectTo = async (origin: string) => {
  const open = async () => {
    const session = connect(origin, { ca: authority.ca });
    cleanups.push(() => session.destroy());
    await once(session, 'remoteSettings');
    return session;
  };
  let session = await open();
  return {
    post: async (path: string, headers: Record<string, string>, body: string) => {
      const stream = session.request({ ':method': 'POST', ':path': path, ...headers }).setEncoding('utf8');
      stream.end(body);
      const [answer] = (await once(stream, 'response')) as [IncomingHttpHeaders];
      return { status: answer[':status'], headers: answer, body: await text(stream) };
    },
    reconnect: async () => {
      session.close();
      session = await open();
    },
  };
};

describe('authentication', () => {
  it.each([
    ['no header', undefined, '403 MissingProviderToken'],
    ['another scheme', 'basic x', '403 MissingProviderToken'],
    ['not a JWT', 'bearer x', '403 InvalidProviderToken'],
    ['a valid token', jwt(), 200],
    ['an hour old', jwt({ iat: now / 1000 - 3_601 }), '403 ExpiredProviderToken'],
    ['from the future', jwt({ iat: now / 1000 + 120 }), '403 InvalidProviderToken'],
    ['without an issue time', jwt({ iat: undefined }), '403 InvalidProviderToken'],
    ['of another team', jwt({ iss: 'OTHERTEAM1' }), '403 InvalidProviderToken'],
    ['of an unknown key', jwt({}, { kid: 'OTHERKEY01' }), '403 InvalidProviderToken'],
    ['signed with another key', jwt({}, {}, createFakeApnsKey()), '403 InvalidProviderToken'],
    ['with another algorithm', jwt({}, { alg: 'none' }), '403 InvalidProviderToken'],
  ])('%s', async (_name, authorization, expected) => {
    const { post } = await start();
    expect(await post({ authorization })).toBe(expected);
  });

  it('refuses everything on a connection whose token changes within 20 minutes', async () => {
    const { post, pass, client } = await start();
    const other = jwt({ iat: now / 1000 + 1 });
    expect(await post()).toBe(200);
    pass(10 * minute);
    expect(await post({ authorization: other })).toBe('429 TooManyProviderTokenUpdates');
    expect(await post()).toBe('429 TooManyProviderTokenUpdates');
    await client.reconnect();
    expect(await post()).toBe(200);
    pass(20 * minute);
    expect(await post({ authorization: other })).toBe(200);
  });
});

describe('the checks of a request', () => {
  const payload = (bytes: number) => `{"aps":{"badge":1},"x":"${'x'.repeat(bytes - 26)}"}`;
  const badge = '{"aps":{"badge":1}}';
  const silent = { 'apns-push-type': 'background', 'apns-priority': '5' };
  const voip = { 'apns-push-type': 'voip', 'apns-topic': 'com.example.app.voip' };
  it.each([
    [{ 'apns-topic': undefined }, badge, '400 MissingTopic'],
    [{ 'apns-push-type': 'party' }, badge, '400 InvalidPushType'],
    [{ 'apns-push-type': 'voip' }, badge, '400 BadTopic'],
    [{ 'apns-topic': 'org.other' }, badge, '400 TopicDisallowed'],
    [{ 'apns-priority': '7' }, badge, '400 BadPriority'],
    [{ 'apns-push-type': 'background' }, badge, '400 BadPriority'],
    [silent, '{"aps":{"content-available":1}}', 200],
    [silent, '{"aps":{"content-available":1,"alert":"a"}}', '400 InvalidPushType'],
    [silent, '{"aps":{}}', '400 InvalidPushType'],
    [{}, '{"aps":{"content-available":1}}', '400 InvalidPushType'],
    [{}, '{"type":"jmi"}', '400 InvalidPushType'],
    [voip, '{"type":"jmi"}', 200],
    [{ 'apns-expiration': 'soon' }, badge, '400 BadExpirationDate'],
    [{ 'apns-collapse-id': 'x'.repeat(65) }, badge, '400 BadCollapseId'],
    [{ 'apns-collapse-id': 'x'.repeat(64) }, badge, 200],
    [{ 'apns-id': 'mine' }, badge, '400 BadMessageId'],
    [{}, '', '400 PayloadEmpty'],
    [{}, '{}', '400 PayloadEmpty'],
    [{}, '{"aps":', '400 PayloadEmpty'],
    [{}, payload(4_096), 200],
    [{}, payload(4_097), '413 PayloadTooLarge'],
    [voip, payload(5_120), 200],
    [voip, payload(5_121), '413 PayloadTooLarge'],
  ])('%j', async (headers, body, expected) => {
    const { post } = await start({ topics: ['com.example.app', 'com.example.app.voip'] });
    expect(await post(headers, body)).toBe(expected);
  });

  it.each([
    ['complication', '.complication'],
    ['controls', '.push-type.controls'],
    ['fileprovider', '.pushkit.fileprovider'],
    ['liveactivity', '.push-type.liveactivity'],
    ['location', '.location-query'],
    ['pushtotalk', '.voip-ptt'],
    ['voip', '.voip'],
    ['widgets', '.push-type.widgets'],
  ])('recognises %s by the suffix of its topic', async (type, end) => {
    const { post } = await start();
    const ofType = (topic: string) => ({ 'apns-push-type': type, 'apns-topic': topic });
    const priorities = (topic: string) =>
      Promise.all([undefined, '1', '5'].map((priority) => post({ ...ofType(topic), 'apns-priority': priority })));
    expect(await priorities(`com.example.app${end}`)).toEqual([200, 200, 200]);
    expect(await post(ofType('com.example.app'))).toBe('400 BadTopic');
  });

  it('accepts any text as a token, or hexadecimal digits only', async () => {
    const any = await start();
    expect(await any.post({}, undefined, 'any%20text')).toBe(200);
    expect(any.delivered[0]?.token).toBe('any text');
    const { post } = await start({ tokens: 'hex' });
    expect(await post({}, undefined, 'any%20text')).toBe('400 BadDeviceToken');
    expect(await post({}, undefined, 'badtoken.x')).toBe('400 BadDeviceToken');
    expect(await post({}, undefined, '00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0')).toBe(200);
    expect(await post({}, undefined, '')).toBe('400 MissingDeviceToken');
  });
});

it('returns the ID of a push, and assigns one to a push without', async () => {
  const { client, delivered } = await start();
  const idOf = async (headers: Record<string, string>) => {
    const all = { authorization: bearer, 'apns-topic': 't', ...headers };
    const answer = await client.post('/3/device/T', all, '{"aps":{"badge":1}}');
    return answer.headers['apns-id'];
  };
  const mine = '123e4567-e89b-12d3-a456-426614174000';
  expect(await idOf({ 'apns-id': mine })).toBe(mine);
  expect(await idOf({})).toMatch(/^[\da-f-]{36}$/);
  expect(delivered.map(({ apnsId }) => apnsId)[0]).toBe(mine);
});

it('finds an alert too large until it is shortened, if the token selects that', async () => {
  const { post } = await start();
  const body = (length: number) => JSON.stringify({ aps: { alert: { body: 'x'.repeat(length) } } });
  expect(await post({}, body(513), 'toolarge.a')).toBe('413 PayloadTooLarge');
  expect(await post({}, body(512), 'toolarge.a')).toBe(200);
  expect(await post({}, body(1), 'toolarge.always.a')).toBe('413 PayloadTooLarge');
});

it('grants one stream until the first valid token', async () => {
  const { fake, post } = await start();
  fake.script(() => ({ type: 'hold' }));
  const first = [post({ authorization: undefined }), post(), post(), post()];
  await expect.poll(() => fake.held(), patiently).toBe(1);
  fake.script();
  fake.release();
  expect(await Promise.all(first)).toEqual(['403 MissingProviderToken', 200, 200, 200]);
  fake.script(() => ({ type: 'hold' }));
  const afterwards = [post(), post(), post()];
  await expect.poll(() => fake.held(), patiently).toBe(3);
  fake.release();
  expect(await Promise.all(afterwards)).toEqual([200, 200, 200]);
});
