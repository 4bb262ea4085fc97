import { sign } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttp2Pool } from '../../../../services/push-service/src/providers/http2/pool.ts';
import { patiently } from '../../../../services/push-service/testing/http2-peer.ts';
import { createFakeAuthority } from '../fake-authority.ts';
import { createApnsFake } from './fake-apns.ts';
import type { ApnsDelivery, ApnsFakeOptions } from './fake-apns.ts';
import { createApnsKey } from './provider-token.ts';

const authority = createFakeAuthority();
const key = createApnsKey();
const now = Date.UTC(2026, 10, 1);
const minute = 60_000;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const jwt = (claims: object = {}, header: object = {}, { p8 } = key): string => {
  const text = [
    { alg: 'ES256', kid: key.keyId, ...header },
    { iss: key.teamId, iat: now / 1000, ...claims },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = sign('sha256', Buffer.from(text), { key: p8, dsaEncoding: 'ieee-p1363' });
  return `bearer ${text}.${signature.toString('base64url')}`;
};

/** One for all: a signature of the same claims is another one each time. */
const bearer = jwt();

const start = async (more: Partial<ApnsFakeOptions> = {}) => {
  const delivered: ApnsDelivery[] = [];
  let time = now;
  const fake = createApnsFake({
    authority,
    keys: [key],
    clock: () => time,
    onDelivered: (delivery) => delivered.push(delivery),
    ...more,
  });
  await fake.start();
  cleanups.push(fake.stop);
  const pool = createHttp2Pool({
    origin: fake.origin(),
    connections: 1,
    queueLimit: 10,
    timeoutMs: 20_000,
    tls: { ca: authority.ca },
  });
  cleanups.push(() => pool.close(0));
  const post = async (headers: Record<string, string | undefined> = {}, body = '{"aps":{"badge":1}}', token = 'T') => {
    const all = { authorization: bearer, 'apns-topic': 'com.example.app', 'apns-push-type': 'alert', ...headers };
    const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Record<
      string,
      string
    >;
    const answer = await pool.request({
      path: `/3/device/${token}`,
      headers: given,
      body,
    });
    if (answer.type === 'fault') return answer.fault;
    const { reason } = JSON.parse(answer.body || '{}') as { reason?: string };
    return reason === undefined ? answer.status : `${answer.status} ${reason}`;
  };
  return { fake, pool, post, delivered, later: (ms: number) => void (time += ms) };
};

describe('who may push', () => {
  it.each([
    ['nobody', undefined, '403 MissingProviderToken'],
    ['no bearer', 'basic x', '403 MissingProviderToken'],
    ['no JWT', 'bearer x', '403 InvalidProviderToken'],
    ['a good token', jwt(), 200],
    ['an hour old', jwt({ iat: now / 1000 - 3_601 }), '403 ExpiredProviderToken'],
    ['from the future', jwt({ iat: now / 1000 + 120 }), '403 InvalidProviderToken'],
    ['without time', jwt({ iat: undefined }), '403 InvalidProviderToken'],
    ['of another team', jwt({ iss: 'OTHERTEAM1' }), '403 InvalidProviderToken'],
    ['of an unknown key', jwt({}, { kid: 'OTHERKEY01' }), '403 InvalidProviderToken'],
    ['signed with another key', jwt({}, {}, createApnsKey()), '403 InvalidProviderToken'],
    ['with another algorithm', jwt({}, { alg: 'none' }), '403 InvalidProviderToken'],
  ])('%s', async (_name, authorization, expected) => {
    const { post } = await start();
    expect(await post({ authorization })).toBe(expected);
  });

  it('minds when a token changes within 20 minutes, and says nothing else on that connection then', async () => {
    const { post, later, pool } = await start();
    const other = jwt({ iat: now / 1000 + 1 });
    expect(await post()).toBe(200);
    later(10 * minute);
    expect(await post({ authorization: other })).toBe('429 TooManyProviderTokenUpdates');
    expect(await post()).toBe('429 TooManyProviderTokenUpdates');
    pool.recycle();
    expect(await post()).toBe(200);
    later(20 * minute);
    expect(await post({ authorization: other })).toBe(200);
  });
});

describe('what may be sent', () => {
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
  ])('knows %s by the end of its topic', async (type, end) => {
    const { post } = await start();
    const ofType = (topic: string) => ({ 'apns-push-type': type, 'apns-topic': topic });
    const priorities = (topic: string) =>
      Promise.all([undefined, '1', '5'].map((priority) => post({ ...ofType(topic), 'apns-priority': priority })));
    expect(await priorities(`com.example.app${end}`)).toEqual([200, 200, 200]);
    expect(await post(ofType('com.example.app'))).toBe('400 BadTopic');
  });

  it('takes any text for a token, or hexadecimal digits only', async () => {
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

it('returns the id of a push, and gives one to those without', async () => {
  const { pool, delivered } = await start();
  const idOf = async (headers: Record<string, string>) => {
    const answer = await pool.request({
      path: '/3/device/T',
      headers: { authorization: bearer, 'apns-topic': 't', ...headers },
      body: '{"aps":{"badge":1}}',
    });
    return answer.type === 'answer' ? answer.headers['apns-id'] : undefined;
  };
  const mine = '123e4567-e89b-12d3-a456-426614174000';
  expect(await idOf({ 'apns-id': mine })).toBe(mine);
  expect(await idOf({})).toMatch(/^[\da-f-]{36}$/);
  expect(delivered.map(({ apnsId }) => apnsId)[0]).toBe(mine);
});

it('finds a text too large until it is shortened, where the token asks for it', async () => {
  const { post } = await start();
  const body = (length: number) => JSON.stringify({ aps: { alert: { body: 'x'.repeat(length) } } });
  expect(await post({}, body(513), 'toolarge.a')).toBe('413 PayloadTooLarge');
  expect(await post({}, body(512), 'toolarge.a')).toBe(200);
  expect(await post({}, body(1), 'toolarge.always.a')).toBe('413 PayloadTooLarge');
});

it('grants one stream until it saw a valid token', async () => {
  const { fake, post } = await start();
  fake.script(() => ({ type: 'hold' }));
  const first = [post({ authorization: undefined }), post(), post(), post()];
  await expect.poll(() => fake.held(), patiently).toBe(1);
  fake.script();
  fake.release();
  expect(await Promise.all(first)).toEqual(['403 MissingProviderToken', 200, 200, 200]);
  fake.script(() => ({ type: 'hold' }));
  const then = [post(), post(), post()];
  await expect.poll(() => fake.held(), patiently).toBe(3);
  fake.release();
  expect(await Promise.all(then)).toEqual([200, 200, 200]);
});
