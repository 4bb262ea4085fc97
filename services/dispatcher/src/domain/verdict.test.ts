import { pushServices } from '@pushmesh/contracts';
import type { PushService } from '@pushmesh/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFailure, toVerdict } from './verdict.ts';

const answer = (status: number, body: unknown, headers: Record<string, string> = {}) => ({
  status,
  body,
  headers,
});

const to = (service: PushService, options = {}) => ({ service, options });

describe('an answer of the push API becomes an outcome', () => {
  it.each([
    [200, null, 'delivered'],
    [400, { reason: 'invalid_request' }, 'rejected'],
    [400, { reason: 'no_matching_pool' }, 'rejected'],
    [400, { details: 'a text' }, 'rejected'],
    [410, { reason: 'unregistered' }, 'unregistered'],
    [413, { reason: 'payload_too_large' }, 'too-large'],
    [414, undefined, 'rejected'],
    [431, undefined, 'rejected'],
    [422, { errors: [] }, 'rejected'],
    [429, { reason: 'too_many_requests' }, 'throttled'],
    [500, undefined, 'unavailable'],
    [500, null, 'unavailable'],
    [500, { details: 'BadDeviceToken' }, 'rejected'],
    [500, { details: 'Unregistered' }, 'unregistered'],
    [500, { details: 'UNREGISTERED' }, 'unregistered'],
    [500, { details: 'PayloadTooLarge' }, 'too-large'],
    [500, { details: 'QUOTA_EXCEEDED' }, 'throttled'],
    [500, { details: 'InternalServerError' }, 'unavailable'],
    [500, { details: 'constructor' }, 'unavailable'],
    [503, { reason: 'service_internal' }, 'unavailable'],
    [503, { details: 'Please try again later' }, 'unavailable'],
    [520, { reason: 'unspecified' }, 'unavailable'],
    [201, null, 'unavailable'],
    [301, null, 'unavailable'],
    [401, null, 'unavailable'],
    [404, null, 'unavailable'],
  ] as const)('%d %j is %s', (status, body, outcome) => {
    expect(toVerdict(answer(status, body), to('apns')).outcome).toBe(outcome);
  });

  it.each(['timeout', 'refused', 'reset', 'unreachable'] as const)('no answer (%s) is unavailable', (fault) => {
    expect(toVerdict({ fault }, to('apns'))).toEqual({ outcome: 'unavailable', reason: fault, isOut: true });
  });
});

describe('a page of a proxy in between ends no delivery', () => {
  it.each([
    [200, undefined, true],
    [400, undefined, false],
    [400, null, false],
    [400, { error: 'bad request' }, false],
    [410, undefined, true],
    [410, null, true],
    [410, { reason: 'Gone' }, true],
    [422, undefined, false],
  ] as const)('%d %j, out: %s', (status, body, isOut) => {
    const verdict = toVerdict(answer(status, body), to('apns'));
    expect([verdict.outcome, verdict.isOut ?? false]).toEqual(['unavailable', isOut]);
  });
});

describe('the fault of one push spends its attempts and opens no circuit', () => {
  it.each([
    ['an unknown word', answer(500, { details: 'SomethingNew' }), {}, false],
    ['an answer of the provider that no table has', answer(520, { reason: 'unspecified' }), {}, false],
    ['a page of a proxy with its number', answer(520, undefined), {}, true],
    ['a provider that is out, in v2', answer(500, { details: 'ServiceUnavailable' }), {}, true],
    ['our credentials, in v2', answer(500, { details: 'InvalidProviderToken' }), {}, true],
    ['the key of Apple or Web Push in Firebase', answer(500, { reason: 'THIRD_PARTY_AUTH_ERROR' }), {}, false],
    ['the topic of one user', answer(503, { reason: 'internal_config' }), { topic: 'x' }, false],
    ['the topic of the operator', answer(503, { reason: 'internal_config' }), {}, true],
    ['the same, in v2', answer(500, { details: 'BadTopic' }), {}, true],
    ['a service account that Google refuses, in v2', answer(500, { details: 'invalid_grant' }), {}, true],
  ] as const)('%s', (_what, given, options, isOut) => {
    const verdict = toVerdict(given, to('apns', options));
    expect([verdict.outcome, verdict.isOut ?? false, isFailure(verdict)]).toEqual(['unavailable', isOut, isOut]);
  });
});

it('FCM ignores the topic: a project that is not found is an outage all the same', () => {
  for (const body of [{ reason: 'internal_config' }, { reason: 'NOT_FOUND' }])
    expect(toVerdict(answer(500, body), to('fcm', { topic: 'x' }))).toMatchObject({ isOut: true });
});

describe('behind Web Push are many servers: the push API is out only if it does not answer itself', () => {
  it.each([
    ['no answer', { fault: 'refused' }, true],
    ['a proxy in between', answer(503, undefined), true],
    ['an answer that makes no sense', answer(502, null), true],
    ['one server that is out', answer(503, { reason: 'unable_to_connect' }), false],
    ['the same in v2', answer(503, { details: 'Please try again later' }), false],
    ['one server that is throttling', answer(429, { reason: 'too_many_requests' }), false],
  ] as const)('%s', (_what, given, isOut) => {
    const verdict = toVerdict(given, to('webpush'));
    expect([verdict.isOut ?? false, isFailure(verdict)]).toEqual([isOut, isOut]);
  });

  it('for the others, every answer of an outage counts', () => {
    expect(isFailure(toVerdict(answer(503, { reason: 'service_internal' }), to('apns')))).toBe(true);
  });
});

it.each([
  [answer(401, { reason: 'unauthorized' }), 'PUSH_API_TOKEN'],
  [answer(403, null), 'PUSH_API_TOKEN'],
  [{ fault: 'tls' }, 'PUSH_API_URL, PUSH_API_CA, PUSH_API_CERT, PUSH_API_KEY'],
] as const)('%j is for the operator to correct: it spends no attempt and parks nothing', (locked, lockedOutBy) => {
  for (const service of pushServices) {
    const verdict = toVerdict(locked, to(service));
    expect(verdict).toMatchObject({ outcome: 'unavailable', isOut: true, lockedOutBy });
    expect(isFailure(verdict)).toBe(true);
  }
});

it('no other answer blames our settings', () => {
  for (const status of [200, 400, 404, 407, 410, 500, 503])
    expect(toVerdict(answer(status, null), to('apns'))).not.toHaveProperty('lockedOutBy');
});

it('reads Retry-After in seconds, up to five minutes, and ignores what it cannot read', () => {
  const retryAfter = (value: string) => toVerdict(answer(429, null, { 'retry-after': value }), to('apns')).retryAfterMs;
  expect([retryAfter('2'), retryAfter('999999999'), retryAfter('-1'), retryAfter('soon')]).toEqual([
    2_000,
    300_000,
    undefined,
    undefined,
  ]);
});

it('passes on since when a device has been gone', () => {
  expect(
    toVerdict(answer(410, { reason: 'unregistered' }, { 'x-unregistered-at': '1795347600850' }), to('apns'))
      .unregisteredAt,
  ).toBe(1_795_347_600_850);
  expect(
    toVerdict(answer(410, { reason: 'unregistered' }, { 'x-unregistered-at': 'yesterday' }), to('apns')),
  ).not.toHaveProperty('unregisteredAt');
});

it('the reason is one word, so that neither a token nor a text gets into logs and results', () => {
  expect(toVerdict(answer(400, { reason: 'token abc/def is bad' }), to('apns')).reason).toBe('HTTP 400');
});

it('has a verdict for whatever comes', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 599 }),
      fc.jsonValue(),
      fc.dictionary(fc.string(), fc.string()),
      (status, body, headers) => {
        expect(toVerdict({ status, body, headers }, to('apns')).reason.length).toBeLessThan(80);
      },
    ),
  );
});
