import { describe, expect, it } from 'vitest';
import { messages, outcomes, policies } from '@pushmesh/contracts';
import type { Delivery } from '@pushmesh/contracts';
import type { Verdict } from '../ports.ts';
import { beforeAttempt, settle, shortBodyBytes } from './settle.ts';

const settings = { maxAttempts: 3, baseMs: 1_000, capMs: 3_000, holdMs: 500 };
const delivery = (changes: Partial<Delivery> = {}): Delivery => ({
  v: 1,
  id: 'd',
  node: { host: 'h', node: 'n', version: 1 },
  service: 'fcm',
  mode: 'prod',
  deviceId: 't',
  options: {},
  summary: {},
  acceptedAt: 1_000,
  expiresAt: 1_000_000,
  attempt: 1,
  ...changes,
});
const now = 10_000;
const settled = (
  outcome: Verdict['outcome'],
  changes: Partial<Delivery> = {},
  more: Partial<Verdict> = {},
  random = 0.5,
) => settle(delivery(changes), { outcome, reason: 'why', ...more }, settings, now, () => random);

describe('before the attempt', () => {
  it('expires what is past its deadline', () => {
    expect(beforeAttempt(delivery({ expiresAt: now }), now)).toMatchObject({
      type: 'end',
      result: { end: 'expired', outcome: 'expired' },
    });
  });
  it('waits until a retry is due, then sends', () => {
    expect(beforeAttempt(delivery({ notBefore: now + 70 }), now)).toEqual({ type: 'wait', delayMs: 70 });
    expect(beforeAttempt(delivery({ notBefore: now }), now)).toBeUndefined();
    expect(beforeAttempt(delivery(), now)).toBeUndefined();
  });
});

describe('after the attempt', () => {
  it.each([
    ['delivered', 'delivered'],
    ['unregistered', 'unregistered'],
    ['rejected', 'parked'],
  ] as const)('%s ends as %s', (outcome, end) => {
    const decision = settled(outcome, {}, { unregisteredAt: 5_000 });
    expect(decision).toMatchObject({
      type: 'end',
      result: { end, outcome, attempt: 1, acceptedAt: 1_000, endedAt: now, unregisteredAt: 5_000 },
    });
    if (decision.type === 'end') expect(messages.result.decode(messages.result.encode(decision.result)).ok).toBe(true);
  });

  it('held: the message comes back untouched, no attempt is spent', () => {
    expect(settled('held', { attempt: 3 })).toEqual({ type: 'wait', delayMs: 750 });
  });

  it.each([
    [1, 0.5, 500],
    [2, 0.5, 1_000],
    [2, 0.999, 1_998],
  ])('unavailable, attempt %d: the next one after back-off with full jitter', (attempt, random, waitMs) => {
    expect(settled('unavailable', { attempt }, {}, random)).toEqual({
      type: 'again',
      delivery: delivery({ attempt: attempt + 1, spent: 1, notBefore: now + waitMs }),
    });
  });

  it('throttled: not before the hint, spread a little', () => {
    expect(settled('throttled', {}, { retryAfterMs: 20_000 })).toMatchObject({
      type: 'again',
      delivery: { attempt: 2, notBefore: now + 21_000 },
    });
  });

  it('parks once the attempts are used up', () => {
    expect(settled('unavailable', { attempt: 3, spent: 2 })).toMatchObject({
      type: 'end',
      result: { end: 'parked', outcome: 'exhausted', reason: 'why' },
    });
  });

  it('while the push API is out, no attempt is spent: only the deadline ends the delivery', () => {
    const out = settled('unavailable', { attempt: 500, spent: 2 }, { isOut: true });
    expect(out).toMatchObject({ type: 'again', delivery: { attempt: 501, spent: 2 } });
  });

  it('expires at once if the next attempt would come too late', () => {
    expect(settled('throttled', { expiresAt: now + 5_000 }, { retryAfterMs: 20_000 })).toMatchObject({
      type: 'end',
      result: { end: 'expired' },
    });
  });

  it('too large: shortens the body once, by octets and never inside a character, then parks', () => {
    const summary = { lastMessageSender: 'bob', lastMessageBody: 'ü😀'.repeat(500) };
    const decision = settled('too-large', { summary });
    if (decision.type !== 'again') throw new Error('not tried again');
    const body = decision.delivery.summary.lastMessageBody ?? '';
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(shortBodyBytes);
    expect(body).toMatch(/^(ü😀)+ü?…$/u);
    expect(decision.delivery).toMatchObject({ shortened: true, attempt: 2, summary: { lastMessageSender: 'bob' } });
    expect(settled('too-large', { ...decision.delivery })).toMatchObject({
      type: 'end',
      result: { end: 'parked', outcome: 'too-large' },
    });
    expect(settled('too-large', { summary: { lastMessageBody: 'short' } })).toMatchObject({
      type: 'end',
      result: { end: 'parked' },
    });
  });
});

it('every outcome has a policy, and only unregistered retires', () => {
  for (const outcome of outcomes) {
    const policy = policies[outcome];
    expect(policy.step === 'end' && policy.retires).toBe(outcome === 'unregistered');
  }
});
