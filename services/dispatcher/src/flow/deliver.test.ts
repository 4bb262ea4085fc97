import { describe, expect, it } from 'vitest';
import type { Published } from '@pushmesh/bus';
import type { Delivery } from '@pushmesh/contracts';
import type { Verdict } from '../ports.ts';
import { createDeliver } from './deliver.ts';

const delivery: Delivery = {
  v: 1,
  id: 'd1',
  node: { host: 'h', node: 'n', version: 1 },
  service: 'apns',
  mode: 'dev',
  deviceId: 't',
  options: {},
  summary: {},
  acceptedAt: 1,
  expiresAt: 1_000_000,
  attempt: 1,
};

const deliver = async (verdict: Verdict, stored: Published[] = [], changes: Partial<Delivery> = {}) => {
  const published: { subject: string; msgId: string; value: unknown }[] = [];
  const sent: string[] = [];
  const ends: string[] = [];
  const slept: number[] = [];
  const store = (): Published => stored[published.length - 1] ?? { type: 'stored' };
  const settlement = await createDeliver({
    pushApi: { send: (_delivery, traceparent) => (sent.push(traceparent), Promise.resolve(verdict)) },
    bus: {
      publish: (subject, _message, value, { msgId }) => {
        published.push({ subject, msgId, value });
        return Promise.resolve(store());
      },
    },
    recordDelivered: (value) => {
      published.push({ subject: 'in a batch', msgId: '', value });
      return Promise.resolve(store());
    },
    clock: () => 10_000,
    random: () => 0.5,
    retry: { maxAttempts: 3, baseMs: 100, capMs: 1_000, holdMs: 50 },
    storeWaitsMs: [1, 2],
    sleep: (ms) => (slept.push(ms), Promise.resolve()),
    onAttempt: () => {},
    onEnd: (_delivery, { end }) => ends.push(end),
  })({ ...delivery, ...changes }, { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` });
  return { settlement, published, sent, ends, slept };
};

describe('one delivery', () => {
  it('is acknowledged only after its end is stored', async () => {
    const { settlement, published, sent, ends } = await deliver({ outcome: 'delivered', reason: 'HTTP 200' });
    expect(settlement).toEqual({ type: 'ack' });
    expect(published).toMatchObject([{ subject: 'in a batch', value: { end: 'delivered' } }]);
    expect(sent[0]).toMatch(new RegExp(`^00-${'a'.repeat(32)}-(?!${'b'.repeat(16)})`));
    expect(ends).toEqual(['delivered']);
  });

  it('is stored again for the next attempt, under its own dedupe key', async () => {
    const { settlement, published } = await deliver({ outcome: 'unavailable', reason: 'timeout' });
    expect(settlement).toEqual({ type: 'ack' });
    expect(published).toMatchObject([
      { subject: 'push.delivery.apns.dev', msgId: 'd1:2', value: { attempt: 2, notBefore: 10_050 } },
    ]);
  });

  it('is parked before its end is recorded', async () => {
    const { published } = await deliver({ outcome: 'rejected', reason: 'invalid_request' });
    expect(published.map(({ subject }) => subject)).toEqual(['push.parked.apns', 'push.result.parked']);
  });

  const refused = { type: 'refused', why: 'full' } as const;

  it.each([
    ['the end', { outcome: 'delivered', reason: '' }, [{ type: 'timeout' }, refused, { type: 'stored' }]],
    ['the next attempt', { outcome: 'unavailable', reason: '' }, [{ type: 'disconnected' }, { type: 'duplicate' }]],
    ['the parked delivery', { outcome: 'rejected', reason: '' }, [refused, { type: 'stored' }, { type: 'stored' }]],
  ] as const)('is sent once, however often NATS fails to store %s', async (_what, verdict, stored) => {
    const { settlement, sent } = await deliver(verdict, [...stored]);
    expect(settlement).toEqual({ type: 'ack' });
    expect(sent).toHaveLength(1);
  });

  it('comes back if NATS does not store what was decided', async () => {
    const { settlement, ends, slept } = await deliver({ outcome: 'delivered', reason: '' }, [
      refused,
      refused,
      refused,
    ]);
    expect(settlement).toEqual({ type: 'retry', delayMs: 1_000 });
    expect(ends).toEqual([]);
    expect(slept).toHaveLength(2);
  });

  it('is not sent before it is due, nor after its deadline', async () => {
    expect(await deliver({ outcome: 'delivered', reason: '' }, [], { notBefore: 10_100 })).toMatchObject({
      sent: [],
      settlement: { type: 'retry', delayMs: 100 },
    });
    expect(await deliver({ outcome: 'delivered', reason: '' }, [], { expiresAt: 9_999 })).toMatchObject({
      sent: [],
      ends: ['expired'],
    });
  });

  it('goes back untouched while the circuit is open', async () => {
    expect(await deliver({ outcome: 'held', reason: 'circuit open' })).toMatchObject({
      published: [],
      settlement: { type: 'retry', delayMs: 75 },
    });
  });
});
