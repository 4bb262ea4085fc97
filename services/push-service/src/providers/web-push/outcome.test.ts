import { expect, it } from 'vitest';
import { toWebPushAnswer } from './outcome.ts';

it.each([200, 201, 202, 204])('reads %i as delivered', (status) => {
  expect(toWebPushAnswer({ status }, 0)).toEqual({ category: 'ok' });
});

it.each([
  [301, 'invalid_request', 'redirected'],
  [307, 'invalid_request', 'redirected'],
  [400, 'invalid_request'],
  [401, 'invalid_request', 'vapid_refused'],
  [403, 'invalid_request', 'vapid_refused'],
  [404, 'unregistered'],
  [410, 'unregistered'],
  [413, 'payload_too_large'],
  [415, 'invalid_request'],
  [429, 'too_many_requests'],
  [500, 'service_internal'],
  [503, 'service_internal'],
  [507, 'service_internal'],
])('reads %i as %s', (status, category, reason = category) => {
  expect(toWebPushAnswer({ status }, 0)).toEqual({ category, reason });
});

it('passes on the time to wait', () => {
  expect(toWebPushAnswer({ status: 429, headers: { 'retry-after': '120' } }, 0)).toMatchObject({
    retryAfterSeconds: 120,
  });
});
