import { describe, expect, it } from 'vitest';
import { toFcmData, toFcmMessage } from './message.ts';
import type { Notification } from '../../push/notification.ts';

const push = (more: Partial<Notification>): Notification => ({
  device_id: 'TOK',
  service: 'fcm',
  mode: 'prod',
  tags: [],
  ...more,
});

describe('toFcmMessage', () => {
  it('carries everything that FCM supports of an alert', () => {
    const alert = { title: 't', body: 'b', badge: 3, click_action: 'c', tag: 'g', sound: 's' };
    expect(toFcmMessage(push({ alert, data: { a: 1 }, priority: 'high', time_to_live: 60 }))).toEqual({
      token: 'TOK',
      data: { a: '1' },
      android: {
        notification: { title: 't', body: 'b', click_action: 'c', tag: 'g', sound: 's' },
        priority: 'HIGH',
        ttl: '60s',
      },
    });
  });

  it('distinguishes an installation ID from a registration token', () => {
    const fid = 'cXy0-_ABCDEFGHIJKLMNOP';
    const target = (device_id: string) => toFcmMessage(push({ device_id, data: {} }));
    expect(target(fid)).toEqual({ fid });
    for (const token of [`${fid}:APA91b`, fid.slice(1), `a${fid.slice(1)}`, ''])
      expect(target(token)).toEqual({ token });
  });

  it('keeps a silent push free of notifications', () => {
    expect(toFcmMessage(push({ data: { a: '1' } }))).toEqual({ token: 'TOK', data: { a: '1' } });
    expect(toFcmMessage(push({ data: {} }))).toEqual({ token: 'TOK' });
  });

  it.each([
    [-1, '0s'],
    [2_419_201, '2419200s'],
  ])('keeps a time to live of %i within the limits of FCM', (time_to_live, ttl) => {
    expect(toFcmMessage(push({ data: {}, time_to_live })).android).toEqual({ ttl });
  });

  it('sends a call urgently, for half a minute, with one collapse key per session', () => {
    const data = { type: 'jmi', 'jmi-sid': 'x1' };
    const call = { priority: 'HIGH', ttl: '30s', collapse_key: 'jmi-x1' };
    expect(toFcmMessage(push({ data })).android).toEqual(call);
    expect(toFcmMessage(push({ data, priority: 'normal', time_to_live: 5 })).android).toEqual({
      ...call,
      priority: 'NORMAL',
      ttl: '5s',
    });
  });
});

describe('toFcmData', () => {
  it('turns everything into text', () => {
    const data = { text: 'é', number: 1.5, yes: true, nothing: null, list: ['ab', 'c'], object: { a: { b: 1 } } };
    expect(toFcmData(data)).toEqual({
      text: 'é',
      number: '1.5',
      yes: 'true',
      nothing: '',
      list: '["ab","c"]',
      object: '{"a":{"b":1}}',
    });
  });
});
