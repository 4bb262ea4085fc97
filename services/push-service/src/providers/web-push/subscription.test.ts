import { expect, it } from 'vitest';
import { parseSubscription } from './subscription.ts';

const endpoint = 'https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV';
const p256dh = 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4';
const auth = 'BTBZMqHH6r4Tts7J_aSIgg';
const keys = { p256dh, auth };

it.each([
  { endpoint, expirationTime: null, keys },
  { endpoint, ...keys },
  { endpoint, p256dh: Buffer.from(p256dh, 'base64url').toString('base64'), auth: `${auth}==` },
])('reads %j', (subscription) => {
  expect(parseSubscription(JSON.stringify(subscription))).toEqual({
    ok: true,
    subscription: {
      endpoint: new URL(endpoint),
      keys: { p256dh: Buffer.from(p256dh, 'base64url'), auth: Buffer.from(auth, 'base64url') },
    },
  });
});

const offTheCurve = Buffer.from(p256dh, 'base64url').fill(7, 40).toString('base64url');

it.each([
  ['{bad', 'not_a_subscription'],
  ['null', 'not_a_subscription'],
  [{ keys }, 'bad_endpoint'],
  [{ endpoint: 'http://push.example.net/', keys }, 'bad_endpoint'],
  [{ endpoint: 'https://user:password@push.example.net/', keys }, 'bad_endpoint'],
  [{ endpoint: '/push', keys }, 'bad_endpoint'],
  [{ endpoint: endpoint.padEnd(2001, 'x'), keys }, 'bad_endpoint'],
  [{ endpoint, keys: { auth } }, 'bad_p256dh'],
  [{ endpoint, keys: { ...keys, p256dh: 'AAAA' } }, 'bad_p256dh'],
  [{ endpoint, keys: { ...keys, p256dh: offTheCurve } }, 'bad_p256dh'],
  [{ endpoint, keys: { ...keys, auth: 'AAAA' } }, 'bad_auth'],
  [{ endpoint, keys: { ...keys, auth: 'öäü' } }, 'bad_auth'],
])('refuses %j', (given, problem) => {
  const text = typeof given === 'string' ? given : JSON.stringify(given);
  expect(parseSubscription(text)).toEqual({ ok: false, problem });
});
