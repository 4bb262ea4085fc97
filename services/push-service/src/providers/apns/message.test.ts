import { describe, expect, it } from 'vitest';
import { toApnsMessage } from './message.ts';
import type { Notification } from '../../push/notification.ts';

const now = 1_700_000_000_500;
const alert = { title: 't', body: 'b' };

const mapped = (more: Partial<Notification>) =>
  toApnsMessage(
    { device_id: 'TOK', service: 'apns', mode: 'prod', tags: [], ...more },
    { defaultTopic: 'com.example.app', now },
  );
const message = (more: Partial<Notification>) => {
  const result = mapped(more);
  if (!result.ok) throw new Error(result.why);
  return result.message;
};

describe('toApnsMessage', () => {
  it('carries everything that APNs supports of an alert', () => {
    const full = { ...alert, badge: 3, click_action: 'c', tag: 'g', sound: 's' };
    const data = { a: { b: [1] }, aps: 'not this one' };
    expect(message({ alert: full, data, priority: 'high', mutable_content: true, time_to_live: 60 })).toEqual({
      path: '/3/device/TOK',
      headers: {
        'apns-push-type': 'alert',
        'apns-topic': 'com.example.app',
        'apns-priority': '10',
        'apns-expiration': '1700000060',
        'apns-collapse-id': 'g',
      },
      payload: { a: { b: [1] }, aps: { alert, badge: 3, category: 'c', sound: 's', 'mutable-content': 1 } },
    });
  });

  it('sends a silent push with the default topic and the only priority that APNs accepts', () => {
    expect(message({ data: { a: 1 }, priority: 'high' })).toMatchObject({
      headers: { 'apns-push-type': 'background', 'apns-topic': 'com.example.app', 'apns-priority': '5' },
      payload: { a: 1, aps: { 'content-available': 1 } },
    });
  });

  it('sends a call to the voip topic, once, without aps', () => {
    const data = { type: 'jmi', 'jmi-sid': 'x1' };
    expect(message({ data, mutable_content: true })).toEqual({
      path: '/3/device/TOK',
      headers: {
        'apns-push-type': 'voip',
        'apns-topic': 'com.example.app.voip',
        'apns-priority': '10',
        'apns-expiration': '0',
      },
      payload: data,
    });
    expect(message({ data: { ...data, aps: { badge: 1 } } }).payload).toEqual(data);
    expect(mapped({ data, topic: 'com.example.app' })).toEqual({ ok: false, why: 'topic' });
    expect(mapped({ data, topic: 'other.voip' })).toMatchObject({
      message: { headers: { 'apns-topic': 'other.voip' } },
    });
  });

  it('asks for one attempt if the time to live is used up', () => {
    expect(message({ alert, time_to_live: 0 }).headers['apns-expiration']).toBe('0');
    expect(message({ alert, time_to_live: -5 }).headers['apns-expiration']).toBe('0');
    expect(message({ alert }).headers['apns-expiration']).toBeUndefined();
  });

  it.each(['x'.repeat(65), 'with\r\nnewline', 'ü'])('sends the tag %j as a digest that fits a header', (tag) => {
    expect(message({ alert: { ...alert, tag } }).headers['apns-collapse-id']).toMatch(/^[\w-]{43}$/);
  });

  it.each(['com.example\r\nx: y', 'é', 'a b', 'x'.repeat(256)])('refuses the topic %j', (topic) => {
    expect(mapped({ alert, topic })).toEqual({ ok: false, why: 'topic' });
  });

  it('leaves the topic to the certificate if there is no default', () => {
    const push: Notification = { device_id: 'TOK', service: 'apns', mode: 'dev', tags: [], alert };
    expect(toApnsMessage(push, { defaultTopic: undefined, now })).toMatchObject({
      ok: true,
      message: { headers: { 'apns-push-type': 'alert' } },
    });
  });

  it('puts the token into the path as one segment', () => {
    expect(message({ alert, device_id: 'a/b c' }).path).toBe('/3/device/a%2Fb%20c');
  });
});
