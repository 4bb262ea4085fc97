import { describe, expect, it } from 'vitest';
import { toApnsAnswer } from './apns/outcome.ts';
import { toFcmAnswer } from './fcm/outcome.ts';

// golden.test.ts reads the recorded answers; these tests cover the rest.

const now = Date.UTC(2026, 0, 1);
const apns = (status: number, body: unknown) => toApnsAnswer({ status, body: JSON.stringify(body) }, now);
const fcm = (code: number, status: string, message = 'm') =>
  toFcmAnswer({ status: code, body: JSON.stringify({ error: { code, message, status } }) }, now);

it('attributes a page to a proxy: it is neither an accepted push nor a refusal of our credentials', () => {
  const page = { status: 200, body: '<html>' };
  expect([toApnsAnswer(page, now), toFcmAnswer(page, now)]).toMatchObject([
    { category: 'service_internal' },
    { category: 'service_internal' },
  ]);
  const refusal = { status: 403, body: '<html>' };
  expect([toApnsAnswer(refusal, now).category, toFcmAnswer(refusal, now).category]).toEqual([
    'service_internal',
    'service_internal',
  ]);
  expect(toApnsAnswer({ status: 200, body: '' }, now)).toEqual({ category: 'ok' });
  expect(toFcmAnswer({ status: 200, body: '{"name":"projects/p/messages/1"}' }, now)).toEqual({ category: 'ok' });
});

describe('toApnsAnswer', () => {
  it('reads an expired token as dead since the timestamp', () => {
    const answer = apns(410, { reason: 'ExpiredToken', timestamp: 1_700_000_000_000 });
    expect(answer).toEqual({ category: 'unregistered', reason: 'ExpiredToken', unregisteredAt: 1_700_000_000_000 });
  });

  it('gives no time of death if the timestamp is not one', () => {
    for (const timestamp of ['1700000000000', -1, 1.5, null])
      expect(apns(410, { reason: 'Unregistered', timestamp })).toEqual({
        category: 'unregistered',
        reason: 'Unregistered',
      });
  });

  it('never reads a 410 or 404 without a word as a death', () => {
    expect(apns(410, {}).category).toBe('unspecified');
    expect(toFcmAnswer({ status: 404, body: '' }, now).category).toBe('unspecified');
  });

  it.each([
    [302, ''],
    [404, '<html>'],
    [407, ''],
    [410, '<html>'],
    [421, ''],
  ])('attributes a %i with %j to something in between', (status, body) => {
    for (const answer of [toFcmAnswer({ status, body }, now), toApnsAnswer({ status, body }, now)])
      expect(answer.category).toBe('service_internal');
  });

  it.each([
    [401, 'auth'],
    [403, 'auth'],
    [413, 'payload_too_large'],
    [429, 'too_many_requests'],
    [502, 'service_internal'],
  ])('reads a %i without a reason word as %s', (status, category) => {
    expect(toApnsAnswer({ status, body: 'null' }, now).category).toBe(category);
  });

  it('passes on no reason that is not a word', () => {
    expect(apns(400, { reason: 'Call me at <number>' })).toEqual({ category: 'unspecified', reason: 'unspecified' });
    expect(apns(400, { reason: 'constructor' })).toEqual({ category: 'unknown', reason: 'constructor' });
  });
});

describe('toFcmAnswer', () => {
  it('recognises a message that is too big only by its text', () => {
    expect(fcm(400, 'INVALID_ARGUMENT', 'Android message is too big').category).toBe('payload_too_large');
    expect(fcm(400, 'INVALID_ARGUMENT').category).toBe('invalid_request');
  });

  it('survives details of any shape', () => {
    for (const details of [null, 'x', [null], [{ '@type': 1 }], {}])
      expect(toFcmAnswer({ status: 503, body: JSON.stringify({ error: { details } }) }, now).category).toBe(
        'service_internal',
      );
  });

  it.each([
    ['30', 30],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60],
    ['Thursday, 01-Jan-26 00:01:00 GMT', 60],
    ['Thu Jan  1 00:01:00 2026', 60],
    ['Thu, 01 Jan 2025 00:01:00 GMT', 0],
    ['soon', undefined],
    ['-5', undefined],
    ['+5', undefined],
    ['1.5', undefined],
    ['2027-01-01', undefined],
    ['Fri, 01 Jan 2027 00:01:00', undefined],
    ['', undefined],
  ])('reads retry-after: %s', (retryAfter, seconds) => {
    const answer = toApnsAnswer({ status: 503, body: '', headers: { 'retry-after': retryAfter } }, now);
    expect(answer).toEqual({
      category: 'service_internal',
      reason: 'service_internal',
      ...(seconds !== undefined && { retryAfterSeconds: seconds }),
    });
  });

  it('reads a date by the clock that dated the answer', () => {
    const headers = { 'retry-after': 'Thu, 01 Jan 2026 02:01:00 GMT', date: 'Thu, 01 Jan 2026 02:00:00 GMT' };
    expect(toApnsAnswer({ status: 503, body: '', headers }, now)).toMatchObject({ retryAfterSeconds: 60 });
  });
});
