import { expect, it } from 'vitest';
import { fromApns, fromFcm, pushKeyOf } from './received.ts';

const at = 1;

it('reads the short forms that other senders use', () => {
  const payload = { aps: { alert: 'Wherefore?' } };
  expect(fromApns({ token: 'T', headers: {}, payload, apnsId: 'id', at }, 'prod')).toMatchObject({
    body: 'Wherefore?',
  });
  const notification = { title: 'juliet', body: 'Wherefore?' };
  const message = { token: 'T', notification, android: { notification: { title: 'Juliet' } } };
  expect(fromFcm({ target: 'T', projectId: 'p', message, at }, undefined)).toMatchObject({
    title: 'Juliet',
    body: 'Wherefore?',
  });
});

it('recognises a repeated push, whatever its ID and expiration', () => {
  const key = (id: string, expiration: string, body: string, token = 'T') =>
    pushKeyOf(
      fromApns(
        {
          token,
          headers: { 'apns-id': id, 'apns-expiration': expiration, 'apns-topic': 'com.example.app' },
          payload: { aps: { alert: { body } } },
          apnsId: id,
          at,
        },
        'prod',
      ),
    );
  expect(key('id2', '61', 'Wherefore?')).toBe(key('id1', '60', 'Wherefore?'));
  expect(key('id1', '60', 'Therefore')).not.toBe(key('id1', '60', 'Wherefore?'));
  expect(key('id1', '60', 'Wherefore?', 'U')).not.toBe(key('id1', '60', 'Wherefore?'));
});
