import { describe, expect, it } from 'vitest';
import { pushServices } from '@pushmesh/contracts';
import type { Delivery } from '@pushmesh/contracts';
import { toPushRequest } from './request.ts';

const style = { version: 'v3', fcmDev: true, fallbackText: 'New message' } as const;
const delivery = (
  options: Record<string, string>,
  summary: Delivery['summary'] = { messageCount: 7, lastMessageSender: 'bob@h', lastMessageBody: 'hi' },
): Delivery => ({
  v: 1,
  id: 'd',
  node: { host: 'h', node: 'n', version: 1 },
  service: pushServices.find((each) => each === options['service']) ?? 'apns',
  mode: options['mode'] === 'dev' ? 'dev' : 'prod',
  deviceId: 'a/b:c d',
  options,
  summary,
  acceptedAt: 1,
  expiresAt: 3_600_001,
  attempt: 1,
});
const alert = { title: 'bob@h', body: 'hi', tag: 'bob@h', badge: 7 };
const data = { 'message-count': 7, 'last-message-sender': 'bob@h', 'last-message-body': 'hi' };

describe('the MongoosePush request, as MongooseIM maps the fields', () => {
  it.each([
    ['nothing but the service', { service: 'apns' }, { service: 'apns', alert }],
    [
      'every option',
      {
        service: 'apns',
        mode: 'dev',
        topic: 't',
        priority: 'high',
        mutable_content: 'true',
        time_to_live: '3600',
        click_action: 'open',
        sound: 'ping',
        secret: 's',
        tags: 'x',
      },
      {
        service: 'apns',
        mode: 'dev',
        topic: 't',
        priority: 'high',
        mutable_content: true,
        time_to_live: 3600,
        alert: { ...alert, click_action: 'open', sound: 'ping' },
      },
    ],
    [
      'values that the API would refuse',
      { service: 'apns', priority: '10', mutable_content: 'yes', time_to_live: '-1', topic: '', sound: '' },
      { service: 'apns', alert },
    ],
    [
      'silent, APNs: counts are numbers',
      { service: 'apns', silent: 'true', sound: 'x' },
      { service: 'apns', data: { 'message-count': 7, 'last-message-sender': 'bob@h', 'last-message-body': 'hi' } },
    ],
    [
      'silent, FCM: text only',
      { service: 'fcm', silent: 'true' },
      { service: 'fcm', data: { 'message-count': '7', 'last-message-sender': 'bob@h', 'last-message-body': 'hi' } },
    ],
    ['Web Push: as APNs', { service: 'webpush', silent: 'true' }, { service: 'webpush', data }],
    ['silent is 1: as true', { service: 'webpush', silent: '1' }, { service: 'webpush', data }],
    ['silent is 0: as false', { service: 'fcm', silent: '0' }, { service: 'fcm', alert }],
    ['silent is no boolean', { service: 'fcm', silent: 'yes' }, { service: 'fcm', alert }],
    [
      'mutable_content is 1',
      { service: 'apns', mutable_content: '1' },
      { service: 'apns', mutable_content: true, alert },
    ],
  ])('%s', (_what, options, body) => {
    expect(toPushRequest(delivery(options), style, 1)).toEqual({ version: 'v3', deviceId: 'a/b:c d', body });
  });

  it.each([
    ['3600', 600_001, 3_000],
    ['3600', 3_600_000, 1],
    ['60', 600_000, 60],
    ['0', 600_000, 0],
  ])('of a time_to_live of %s s after %d ms there are %d s left', (time_to_live, now, left) => {
    const given = delivery({ service: 'apns', time_to_live });
    expect(toPushRequest(given, style, now).body).toMatchObject({ time_to_live: left });
  });

  it('wakes the app without a notification if there is no text to show', () => {
    expect(toPushRequest(delivery({ service: 'fcm' }, {}), style, 1).body).toEqual({ service: 'fcm', data: {} });
    expect(toPushRequest(delivery({ service: 'apns' }, { messageCount: 2 }), style, 1).body).toEqual({
      service: 'apns',
      data: { 'message-count': 2 },
    });
  });

  it('has a title and a badge if the server sends neither sender nor count', () => {
    expect(toPushRequest(delivery({ service: 'apns' }, { lastMessageBody: 'hi' }), style, 1).body).toEqual({
      service: 'apns',
      alert: { title: 'New message', body: 'hi', badge: 1 },
    });
  });

  it('v2 differs from v3 in the path only', () => {
    expect(toPushRequest(delivery({ service: 'apns' }), { ...style, version: 'v2' }, 1)).toEqual({
      version: 'v2',
      deviceId: 'a/b:c d',
      body: { service: 'apns', alert },
    });
  });

  it('a call is data, with everything that the server says about it', () => {
    const otherFields = { type: 'jmi', 'jmi-sid': 's1', 'jmi-from': 'bob@h/lab' };
    for (const service of ['apns', 'fcm', 'webpush'])
      expect(toPushRequest(delivery({ service }, { lastMessageBody: 'hi', otherFields }), style, 1).body).toEqual({
        service,
        data: { ...otherFields, 'last-message-body': 'hi' },
      });
  });

  it('other fields are data of a silent push only; FCM gets none with a name that it refuses', () => {
    const names = ['from', 'message_type', 'gcm', 'googleid', 'google.x', 'gcm.n\n', '', 'room'];
    const otherFields = Object.fromEntries(names.map((name) => [name, 'x']));
    const summary = { lastMessageBody: 'hi', otherFields };
    const dataFor = (service: string) =>
      toPushRequest(delivery({ service, silent: 'true' }, summary), style, 1).body.data;
    expect(dataFor('fcm')).toEqual({ room: 'x', 'last-message-body': 'hi' });
    expect(dataFor('apns')).toEqual({ ...otherFields, 'last-message-body': 'hi' });
    expect(toPushRequest(delivery({ service: 'fcm' }, summary), style, 1).body).not.toHaveProperty('data');
  });

  it('leaves mode dev out for FCM if MongoosePush has no such pool', () => {
    const mongoosePush = { ...style, fcmDev: false };
    const modeOf = (service: string) => toPushRequest(delivery({ service, mode: 'dev' }), mongoosePush, 1).body.mode;
    expect([modeOf('fcm'), modeOf('apns')]).toEqual([undefined, 'dev']);
  });
});
