import { expect, it } from 'vitest';
import type { Notification } from '../../push/notification.ts';
import { toWebPushMessage } from './message.ts';

const push = (more: Partial<Notification>) => {
  const { headers, payload } = toWebPushMessage({ device_id: '{}', service: 'fcm', mode: 'prod', tags: [], ...more });
  return { headers, payload: JSON.parse(payload) as unknown };
};
const alert = { title: 't', body: 'b' };

it('gives the app what is in the request', () => {
  const full = { ...alert, badge: 3, click_action: 'c', tag: 'juliet', sound: 's' };
  const data = { a: 1, o: { n: null } };
  expect(push({ alert: full, data, priority: 'high', time_to_live: 60, topic: 'x', mutable_content: true })).toEqual({
    headers: { ttl: '60', urgency: 'high', topic: 'juliet' },
    payload: { alert: full, data },
  });
});

it('limits the time to live to what push services keep', () => {
  const ttl = (time_to_live?: number) => push({ alert, ...(time_to_live !== undefined && { time_to_live }) }).headers;
  expect([ttl(), ttl(-1), ttl(2_419_201)]).toEqual([{ ttl: '2419200' }, { ttl: '0' }, { ttl: '2419200' }]);
});

it('sends a call urgently, for half a minute, with one topic per session', () => {
  expect(push({ data: { type: 'jmi', 'jmi-sid': 'x1' } }).headers).toEqual({
    ttl: '30',
    urgency: 'high',
    topic: 'jmi-x1',
  });
});

it('makes a topic of any tag', () => {
  const topic = (tag: string) => push({ alert: { ...alert, tag } }).headers['topic'];
  expect(topic('')).toBeUndefined();
  for (const tag of ['juliet@capulet.example', 'x'.repeat(33), 'ö']) {
    expect(topic(tag)).toMatch(/^[\w-]{32}$/);
    expect(topic(tag)).toBe(topic(tag));
  }
  expect(topic('x'.repeat(33))).not.toBe(topic('x'.repeat(34)));
  const elsewhere = push({ device_id: '{"a":1}', alert: { ...alert, tag: 'ö' } }).headers['topic'];
  expect(elsewhere).not.toBe(topic('ö'));
});
