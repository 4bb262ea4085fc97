import { expect, it } from 'vitest';
import { createAcceptPush } from './accept-push.ts';
import type { Push } from './push.ts';

const push: Push = {
  host: 'push.b',
  node: 'n',
  publisher: 'b',
  sender: 'b',
  requestId: '1',
  payload: { summary: {}, otherBytes: 100 },
  options: { service: 'fcm', device_id: 'token' },
};

/** What is answered if pubsub-push replies `reply` and JetStream `published`, and what was stored. */
const accept = async (reply: object, published: object = { type: 'stored' }, given: Push = push) => {
  const stored: unknown[] = [];
  let unverified = 0;
  const bus = {
    request: () => Promise.resolve(reply),
    publish: (...args: unknown[]) => (stored.push(args), Promise.resolve(published)),
  };
  const acceptPush = createAcceptPush({
    bus: bus as unknown as Parameters<typeof createAcceptPush>[0]['bus'],
    clock: () => 1_000,
    defaultTtlMs: 60_000,
    maxPayloadBytes: 1_000,
    onUnverified: () => (unverified += 1),
  });
  return { acceptance: await acceptPush(given, 'trace'), stored, unverified };
};

const allowed = { v: 1, type: 'allowed', version: 7 };

it('an authorised push is stored in its lane under its dedupe key, then accepted', async () => {
  const { acceptance, stored, unverified } = await accept(allowed);
  expect(acceptance).toEqual({ type: 'accepted' });
  expect(stored).toEqual([
    [
      'push.delivery.fcm.prod',
      expect.objectContaining({ name: 'delivery' }),
      expect.objectContaining({ node: { host: 'push.b', node: 'n', version: 7 }, deviceId: 'token', attempt: 1 }),
      { msgId: expect.stringMatching(/^[\w-]{32}$/) as string, traceparent: 'trace' },
    ],
  ]);
  expect(unverified).toBe(0);
});

it('without a reply in time it is stored unverified, then accepted and counted', async () => {
  const { acceptance, stored, unverified } = await accept({ type: 'timeout' });
  expect(acceptance).toEqual({ type: 'accepted' });
  expect(stored).toMatchObject([['push.event.publish', { name: 'unverified-publish' }, { publisher: 'b' }, {}]]);
  expect(unverified).toBe(1);
});

it('a push that was stored before is accepted', async () => {
  expect(await accept(allowed, { type: 'duplicate' })).toMatchObject({ acceptance: { type: 'accepted' } });
});

it.each([{ type: 'refused', why: 'full' }, { type: 'timeout' }, { type: 'disconnected' }, { type: 'full' }])(
  'without a PubAck (%j) it is unavailable, and does not count as unverified',
  async (published) => {
    for (const reply of [allowed, { type: 'no-responders' }])
      expect(await accept(reply, published)).toMatchObject({ acceptance: { type: 'unavailable' }, unverified: 0 });
  },
);

it('a refused push is not stored', async () => {
  expect(await accept({ v: 1, type: 'not-found' })).toMatchObject({ acceptance: { type: 'unknown-node' }, stored: [] });
  expect(await accept(allowed, {}, { ...push, options: {} })).toMatchObject({
    acceptance: { type: 'incomplete-options', why: expect.stringContaining('device_id') as string },
    stored: [],
  });
});
