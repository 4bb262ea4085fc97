import { expect, it } from 'vitest';
import { toFcmAnswer } from './outcome.ts';

const fcmError = (errorCode: string) => [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode }];
const answer = (code: number, status: string, errorCode: string, retryAfter?: string) =>
  toFcmAnswer(
    {
      status: code,
      body: JSON.stringify({ error: { code, status, details: fcmError(errorCode) } }),
      headers: { 'retry-after': retryAfter },
    },
    0,
  );

it('reads the token of another project as a wrong request, not as an outage', () => {
  expect(answer(403, 'PERMISSION_DENIED', 'SENDER_ID_MISMATCH')).toEqual({
    category: 'invalid_request',
    reason: 'SENDER_ID_MISMATCH',
  });
});

it('gives no time of death: FCM does not tell one', () => {
  expect(answer(404, 'NOT_FOUND', 'UNREGISTERED')).toEqual({ category: 'unregistered', reason: 'UNREGISTERED' });
});

it.each([
  [undefined, 60],
  ['soon', 60],
  ['2', 2],
])('waits after a quota is used up (retry-after: %s)', (retryAfter, retryAfterSeconds) => {
  expect(answer(429, 'RESOURCE_EXHAUSTED', 'QUOTA_EXCEEDED', retryAfter)).toEqual({
    category: 'too_many_requests',
    reason: 'QUOTA_EXCEEDED',
    retryAfterSeconds,
  });
});

it.each([
  [429, 'too_many_requests', 60],
  [500, 'service_internal', 10],
  [503, 'service_internal', 10],
  [502, 'service_internal', undefined],
])('also waits after a %i without a reason word', (status, category, retryAfterSeconds) => {
  for (const body of ['', '<html>', '{"error":{}}'])
    expect(toFcmAnswer({ status, body }, 0)).toEqual({
      category,
      reason: category,
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    });
});

it.each([
  [503, 'UNAVAILABLE', undefined, 10],
  [500, 'INTERNAL', undefined, 10],
  [503, 'UNAVAILABLE', '3', 3],
])('waits when FCM is in trouble: %i %s (retry-after: %s)', (code, reason, retryAfter, retryAfterSeconds) => {
  expect(answer(code, reason, reason, retryAfter)).toEqual({ category: 'service_internal', reason, retryAfterSeconds });
});
