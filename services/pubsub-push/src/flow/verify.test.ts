import { expect, it } from 'vitest';
import type { Published } from '@pushmesh/bus';
import type { Delivery, Reply } from '@pushmesh/contracts';
import { createLog } from '@pushmesh/telemetry';
import { createVerify } from './verify.ts';

const delivery: Delivery = {
  v: 1,
  id: 'd1',
  node: { host: 'h', node: 'n' },
  service: 'fcm',
  mode: 'prod',
  deviceId: 't',
  options: {},
  summary: {},
  acceptedAt: 1,
  expiresAt: 2,
  attempt: 1,
};

const verify = async (reply: Reply, stored: Published = { type: 'stored' }) => {
  const verdicts: string[] = [];
  const published: { subject: string; value: unknown; msgId: string }[] = [];
  const settlement = await createVerify({
    authorise: () => Promise.resolve(reply),
    bus: {
      publish: (subject, _message, value, { msgId }) => (
        published.push({ subject, value, msgId }),
        Promise.resolve(stored)
      ),
    },
    clock: () => 9_000,
    log: createLog('pubsub-push', 'silent'),
    onVerified: (verdict) => verdicts.push(verdict),
  })({ v: 1, publisher: 'localhost', device: 'fp', delivery }, { traceparent: undefined });
  return { settlement, published, verdicts };
};

it('turns an allowed publish into the delivery that it would have been, with the same dedupe key', async () => {
  expect(await verify({ v: 1, type: 'allowed', version: 4 })).toEqual({
    settlement: { type: 'ack' },
    verdicts: ['allowed'],
    published: [
      {
        subject: 'push.delivery.fcm.prod',
        msgId: 'd1',
        value: { ...delivery, node: { host: 'h', node: 'n', version: 4 } },
      },
    ],
  });
});

it('authorises by the publisher, the device and the secret of the publish', async () => {
  const asked: unknown[] = [];
  const publish = { v: 1, publisher: 'localhost', device: 'fp', secret: 'digest', delivery } as const;
  await createVerify({
    authorise: (command) => (asked.push(command), Promise.resolve({ v: 1, type: 'unavailable' })),
    bus: { publish: () => Promise.resolve({ type: 'stored' }) },
    clock: () => 9_000,
    log: createLog('pubsub-push', 'silent'),
    onVerified: () => {},
  })(publish, { traceparent: undefined });
  const command = { v: 1, host: 'h', node: 'n', publisher: 'localhost', device: 'fp', secret: 'digest' };
  expect(asked).toEqual([command]);
});

it('records an end if the node is unknown', async () => {
  const { settlement, published, verdicts } = await verify({ v: 1, type: 'not-found' });
  expect([settlement, verdicts]).toEqual([{ type: 'ack' }, ['not-found']]);
  expect(published).toMatchObject([
    { subject: 'push.result.unregistered', value: { end: 'unregistered', attempt: 0, endedAt: 9_000 } },
  ]);
});

it('records an end if the publisher is not authorised', async () => {
  const { settlement, published, verdicts } = await verify({ v: 1, type: 'forbidden' });
  expect([settlement, verdicts]).toEqual([{ type: 'ack' }, ['forbidden']]);
  expect(published).toMatchObject([{ subject: 'push.result.refused', value: { end: 'refused', outcome: 'rejected' } }]);
});

it.each([
  ['the store is still unavailable', { v: 1, type: 'unavailable' }, undefined],
  ['NATS does not store the delivery', { v: 1, type: 'allowed', version: 1 }, { type: 'timeout' }],
  ['NATS does not store the end', { v: 1, type: 'not-found' }, { type: 'refused', why: 'full' }],
] as const)('retries later if %s', async (_what, reply, stored) => {
  expect(await verify(reply, stored)).toMatchObject({ settlement: { type: 'retry' }, verdicts: [] });
});
