import { describe, expect, it } from 'vitest';
import { ends } from '@pushmesh/contracts';
import type { Delivery, Result } from '@pushmesh/contracts';
import { nodeHash } from '@pushmesh/telemetry';
import { explain, isAbout, newest } from './explain.ts';
import type { Found, Readings } from './explain.ts';

const now = Date.UTC(2026, 10, 23, 12);
const second = 1_000;
const delivery = (changes: Partial<Delivery> = {}): Delivery => ({
  v: 1,
  id: 'd1',
  node: { host: 'push.example.org', node: 'n' },
  service: 'fcm',
  mode: 'dev',
  deviceId: 'the-token',
  options: { device_id: 'the-token' },
  summary: { lastMessageBody: 'the-body', lastMessageSender: 'the-sender' },
  acceptedAt: now - 60 * second,
  expiresAt: now + 3_600 * second,
  attempt: 1,
  ...changes,
});
const result = (changes: Partial<Result> = {}): Result => {
  const { id, node, service, mode, acceptedAt } = delivery();
  const end = { end: 'delivered', outcome: 'delivered', attempt: 1, endedAt: now - 59 * second } as const;
  return { v: 1, delivery: id, node, service, mode, acceptedAt, ...end, ...changes };
};
const ended = (changes?: Partial<Result>): Found => ({ type: 'ended', result: result(changes) });
const waiting = (changes?: Partial<Delivery>): Found => ({ type: 'waiting', delivery: delivery(changes) });
const nothing = { type: 'read', read: 0, of: 0, since: undefined, whole: true, unreadable: 0 } as const;
const readings: Readings = {
  events: { ...nothing, stream: 'STAGING_PUSH_EVENTS' },
  deliveries: { ...nothing, stream: 'STAGING_PUSH_DELIVERIES', read: 9, of: 11 },
  parked: { stream: 'STAGING_PUSH_PARKED', type: 'missing', unreadable: 0 },
  results: { ...nothing, stream: 'STAGING_PUSH_RESULTS', read: 7, of: 90, since: now, whole: false, unreadable: 2 },
};
const textOf = (...found: readonly Found[]) => explain({ word: 'n', found, readings, place: 'nats://here', now });

describe('explain', () => {
  it.each([
    ['waits for verification', [{ type: 'unverified', delivery: delivery() }]],
    ['attempt 1 is due or in progress', [waiting()]],
    ['waits for attempt 3, due in 5.0 s', [waiting({ attempt: 3, spent: 1, notBefore: now + 5 * second })]],
    ['2 made before, of which 1 counted', [waiting({ attempt: 3, spent: 1, notBefore: now + 5 * second })]],
    ['its deadline passed at 2026-11-23 11:59:59.000 UTC', [waiting({ expiresAt: now - second })]],
    // The delivery of the next attempt is stored before the message of this one is acknowledged.
    ['attempt 2 is due', [waiting(), waiting({ attempt: 2 })]],
    ['delivered at 2026-11-23 11:59:01.000 UTC, after 1.0 s, by attempt 1', [waiting(), ended()]],
    ['unregistered at', [ended({ end: 'unregistered', outcome: 'unregistered', reason: 'Unregistered' })]],
    [
      'the last reason was "unable_to_connect"',
      [ended({ end: 'expired', outcome: 'expired', reason: 'unable_to_connect' })],
    ],
    [
      'the push API refused it for good, "BadDeviceToken"',
      [ended({ end: 'parked', outcome: 'rejected', reason: 'BadDeviceToken' })],
    ],
    [
      'put aside as message 4 of STAGING_PUSH_PARKED',
      [{ type: 'parked', seq: 4, result: result({ end: 'parked', outcome: 'exhausted' }) }],
    ],
    [
      'refused at',
      [ended({ end: 'refused', outcome: 'rejected', attempt: 0, reason: 'the publisher is not permitted' })],
    ],
  ] satisfies [string, Found[]][])('says: %s', (expected, found) => {
    const text = textOf(...found);
    expect(text).toContain(
      `push d1 to the node ${nodeHash('n')} at push.example.org, through fcm dev\n  accepted at 2026-11-23 11:59:00.000 UTC`,
    );
    expect(text).toContain(expected);
    expect(text).not.toMatch(/the-token|the-body|the-sender/);
  });

  it.each(ends)('describes the end %s once', (end) => {
    const parked: Found = { type: 'parked', seq: 1, result: result({ end }) };
    expect(textOf(ended({ end }), parked).match(new RegExp(`^  ${end} at`, 'gm'))).toHaveLength(1);
  });

  it('shows several pushes, the newest last, and each end of a repeated one', () => {
    const earlier = { delivery: 'd0', acceptedAt: now - 90 * second };
    const text = textOf(ended(), ended({ endedAt: now, end: 'unregistered' }), ended(earlier));
    expect(text.match(/^push \w+|^ {2}(?:un|de)\w+ at/gm)).toEqual([
      'push d0',
      '  delivered at',
      'push d1',
      '  delivered at',
      '  unregistered at',
    ]);
  });

  it('shows the newest of many', () => {
    const text = textOf(
      ...Array.from({ length: 30 }, (_, index) => ended({ delivery: `d${index}`, acceptedAt: now + index })),
    );
    expect(text).toContain('(there are older ones)');
    expect(text.match(/^push d\d+/gm)).toEqual(Array.from({ length: 20 }, (_, index) => `push d${index + 10}`));
  });

  it('says where it may still wait', () => {
    const events = { stream: 'PUSH_EVENTS', type: 'unreadable', why: 'no answer', unreadable: 0 } as const;
    const deliveries = { ...readings.deliveries, whole: false } as const;
    const text = explain({ word: 'n', found: [], readings: { ...readings, events, deliveries }, place: 'here', now });
    expect(text.match(/it still waits.*/g)).toEqual([
      'it still waits in the part of PUSH_EVENTS that was not read',
      'it still waits in the part of STAGING_PUSH_DELIVERIES that was not read',
    ]);
  });

  it('says what it can mean if there is nothing, and what was read', () => {
    const text = textOf();
    expect(text).toContain('Nothing found.');
    expect(text).not.toContain('it still waits');
    expect(text.split('\n').slice(-5)).toEqual([
      'Read on nats://here:',
      '  STAGING_PUSH_EVENTS      is empty',
      '  STAGING_PUSH_DELIVERIES  all 9 messages',
      '  STAGING_PUSH_PARKED      does not exist: did a service ever run on this NATS, and is NATS_SUBJECT_PREFIX the same?',
      '  STAGING_PUSH_RESULTS     7 of 90 messages, back to 2026-11-23 12:00:00.000 UTC; there was no time for the rest; 2 of them mention it, but this version cannot read them',
    ]);
  });
});

it('finds a push by its node or its id, and keeps the newest', () => {
  expect(['d1', 'n', 'push.example.org', 'fcm'].map((word) => isAbout(ended(), word))).toEqual([
    true,
    true,
    false,
    false,
  ]);
  const [old, young] = [ended({ acceptedAt: 1 }), waiting({ acceptedAt: 2 })];
  expect(newest([old, young], 1)).toEqual([young]);
});
