import { expect, it } from 'vitest';
import { fromApns, fromFcm } from './received.ts';

const at = 1;

it('reads the short forms of senders that are not ours', () => {
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
