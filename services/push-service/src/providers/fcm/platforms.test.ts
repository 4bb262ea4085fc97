import { expect, it } from 'vitest';
import { toFcmPlatformParts } from './platforms.ts';
import type { Notification } from '../../push/notification.ts';

const now = 1_700_000_000_500;
const push = (more: Partial<Notification>): Notification => ({
  device_id: 'TOK',
  service: 'fcm',
  mode: 'prod',
  tags: [],
  ...more,
});
const parts = (more: Partial<Notification>) => toFcmPlatformParts(push(more), ['apns', 'webpush'], now);
const alert = { title: 't', body: 'b' };

it('shows an alert on iOS and in a browser', () => {
  const full = { ...alert, badge: 3, click_action: 'https://chat.example/', tag: 'g', sound: 's' };
  const more = { data: { a: 1 }, topic: 'ignored', priority: 'high', time_to_live: 60, mutable_content: true } as const;
  expect(parts({ alert: full, ...more })).toEqual({
    apns: {
      headers: {
        'apns-push-type': 'alert',
        'apns-priority': '10',
        'apns-expiration': '1700000060',
        'apns-collapse-id': 'g',
      },
      payload: { aps: { alert, badge: 3, category: 'https://chat.example/', sound: 's', 'mutable-content': 1 } },
    },
    webpush: {
      headers: { TTL: '60', Urgency: 'high' },
      notification: { ...alert, tag: 'g' },
      fcm_options: { link: 'https://chat.example/' },
    },
  });
});

it('wakes an iOS app in the background, and shows nothing', () => {
  expect(parts({ data: { a: 1 }, priority: 'high' })).toEqual({
    apns: {
      headers: { 'apns-push-type': 'background', 'apns-priority': '5' },
      payload: { aps: { 'content-available': 1 } },
    },
    webpush: { headers: { Urgency: 'high' } },
  });
});

it('sends a call as a background push that soon expires', () => {
  expect(parts({ data: { type: 'jmi', 'jmi-sid': 'x' } })).toEqual({
    apns: {
      headers: { 'apns-push-type': 'background', 'apns-priority': '5', 'apns-expiration': '1700000030' },
      payload: { aps: { 'content-available': 1 } },
    },
    webpush: { headers: { TTL: '30', Urgency: 'high' } },
  });
});

it.each(['OPEN_CHAT', 'http://chat.example/', 'https://'])('does not make a link from %s', (click_action) => {
  expect(parts({ alert: { ...alert, click_action } }).webpush).toEqual({ notification: alert });
});

it('adds nothing that was not requested', () => {
  expect(toFcmPlatformParts(push({ alert }), [], now)).toEqual({});
  expect(toFcmPlatformParts(push({ data: {} }), ['webpush'], now)).toEqual({});
});
