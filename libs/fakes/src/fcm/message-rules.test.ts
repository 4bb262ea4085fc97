import { expect, it } from 'vitest';
import { checkSendRequest } from './message-rules.ts';

const check = (message: unknown, more: object = {}) => checkSendRequest(JSON.stringify({ message, ...more }));
const token = 'TOK';

type Refusal = { error: { status: string; details: { fieldViolations?: { field: string }[] }[] } };
const refusal = (checked: ReturnType<typeof checkSendRequest>) => {
  if (checked.ok) return undefined;
  const { error } = JSON.parse(checked.response.body ?? '') as Refusal;
  expect(checked.response.status).toBe(400);
  expect(error.status).toBe('INVALID_ARGUMENT');
  return error.details[0]?.fieldViolations?.[0]?.field ?? 'message';
};

it.each([
  { token },
  { fid: 'cXy0-_ABCDEFGHIJKLMNOP', data: { a: '1' } },
  { token, android: { priority: 'HIGH', ttl: '60s', notification: { title: 't' }, collapseKey: 'c' } },
  { token, apns: { headers: { 'apns-priority': '10' }, payload: { aps: { badge: 1 }, deep: { er: [1] } } } },
  { token, webpush: { headers: { TTL: '1' }, notification: { actions: [{}] }, fcm_options: { link: 'https://a.b/' } } },
])('accepts %j', (message) => {
  expect(check(message).ok).toBe(true);
});

it.each([
  [{ token, sound: 's' }, 'message'],
  [{ token, android: { badge: 1 } }, 'message.android'],
  [{ token, android: { notification: { badge: 1 } } }, 'message.android.notification'],
  [{ token, constructor: {} }, 'message'],
  [{ token, data: { a: 1 } }, 'message.data'],
  [{ token, data: { a: null } }, 'message.data'],
  [{ token, data: { from: 'x' } }, 'message.data'],
  [{ token, data: { 'google.a': 'x' } }, 'message.data'],
  [{ token, data: { 'gcm.notification.a': 'x' } }, 'message.data'],
  [{ token, android: { ttl: '60' } }, 'message.android.ttl'],
  [{ token, android: { ttl: '-1s' } }, 'message.android.ttl'],
  [{ token, android: { ttl: 60 } }, 'message.android.ttl'],
  [{ token, android: { ttl: '2419201s' } }, 'message'],
  [{ token, android: { priority: 'urgent' } }, 'message.android.priority'],
  [{ token, apns: { headers: { 'apns-push-type': 'background', 'apns-priority': '10' } } }, 'message.apns.headers'],
  [{ token, webpush: { fcm_options: { link: 'http://a.b/' } } }, 'message.webpush.fcm_options.link'],
  [{ token, webpush: { fcmOptions: { link: 'http://a.b/' } } }, 'message.webpush.fcm_options.link'],
  [{ data: {} }, 'message'],
  [{ token, fid: 'x' }, 'message'],
  [{ token: '' }, 'message'],
  [{ token, data: { a: 'ü'.repeat(2050) } }, 'message'],
  [{ token, notification: { body: 'x'.repeat(4096) } }, 'message'],
  [{ token, android: { notification: { body: 'x'.repeat(4096) } } }, 'message'],
  [{ token, data: { a: 'x'.repeat(2000) }, android: { data: { a: 'x'.repeat(2100) } } }, 'message'],
  [{ token, apns: { payload: { aps: { alert: 'x'.repeat(4096) } } } }, 'message'],
  [{ token, webpush: { notification: { body: 'x'.repeat(4096) } } }, 'message'],
  [{ topic: 'news', data: { a: 'x'.repeat(2050) } }, 'message'],
  [undefined, 'message'],
  ['text', 'message'],
])('refuses %j', (message, field) => {
  expect(refusal(check(message))).toBe(field);
});

it('measures the part of each platform separately, because a device gets only one of them', () => {
  const body = 'x'.repeat(3_000);
  const parts = { android: { notification: { body } }, apns: { payload: { aps: { alert: body } } } };
  expect(check({ token, ...parts }).ok).toBe(true);
});

it('reads both spellings of a name, and an enum in upper or lower case', () => {
  const message = { token, android: { priority: 'high', collapseKey: 'c' } };
  expect(check(message, { validateOnly: true })).toEqual({
    ok: true,
    message: { token, android: { priority: 'HIGH', collapse_key: 'c' } },
    validateOnly: true,
  });
});

it('refuses a body that is not a request', () => {
  expect(refusal(checkSendRequest('{bad'))).toBe('');
  expect(refusal(check({ token }, { mode: 'dev' }))).toBe('');
});
