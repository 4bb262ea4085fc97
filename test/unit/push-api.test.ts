// The dispatcher and push-service, each with its own half of the MongoosePush API, held against each other.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pushApiVersions } from '@pushmesh/contracts';
import type { Delivery } from '@pushmesh/contracts';
import { createPushApiClient } from '../../services/dispatcher/src/adapters/push-api.ts';
import { toPushRequest } from '../../services/dispatcher/src/domain/request.ts';
import { toVerdict } from '../../services/dispatcher/src/domain/verdict.ts';
import { startPushService } from '../../services/push-service/src/testing.ts';

let service: Awaited<ReturnType<typeof startPushService>>;
let client: ReturnType<typeof createPushApiClient>;
beforeAll(async () => {
  service = await startPushService();
  client = createPushApiClient({ url: service.url, timeoutMs: 5_000, connections: 4, ca: undefined, verify: true });
});
afterAll(async () => {
  await client.close();
  await service.stop();
});

const delivery = (target: 'apns' | 'fcm', deviceId: string, more: Partial<Delivery> = {}): Delivery => ({
  v: 1,
  id: 'd',
  node: { host: 'h', node: 'n', version: 1 },
  service: target,
  mode: 'dev',
  deviceId,
  options: {
    service: target,
    mode: 'dev',
    priority: 'high',
    mutable_content: 'true',
    time_to_live: '60',
    click_action: 'open',
    sound: 'ping',
    topic: 'org.example.app',
  },
  summary: { messageCount: 2, lastMessageSender: 'bob@h', lastMessageBody: 'hi' },
  acceptedAt: 1,
  expiresAt: 2,
  attempt: 1,
  ...more,
});

describe.each(pushApiVersions)('%s', (version) => {
  const send = async (each: Delivery) =>
    toVerdict(await client.post(toPushRequest(each, { version, fcmDev: true, fallbackText: 'New message' }), 'tp'));

  it.each([
    ['phone', 'delivered'],
    ['unregistered.phone', 'unregistered'],
    ['badtoken.phone', 'rejected'],
    ['throttled.phone', 'throttled'],
    ['unavailable.phone', 'unavailable'],
    ['reset.phone', 'unavailable'],
    ['a/b c:d%2F?#', 'delivered'],
  ])('a push to %s is %s, on both push services', async (deviceId, outcome) => {
    for (const target of ['apns', 'fcm'] as const)
      expect((await send(delivery(target, deviceId))).outcome).toBe(outcome);
  });

  it('a push that is too large is that; FCM’s own word in v1 and v2 does not tell', async () => {
    expect((await send(delivery('apns', 'toolarge.always.phone'))).outcome).toBe('too-large');
    const fcm = await send(delivery('fcm', 'toolarge.always.phone'));
    expect(fcm.outcome).toBe(version === 'v3' ? 'too-large' : 'rejected');
  });

  it('a push without text is accepted', async () => {
    for (const target of ['apns', 'fcm'] as const)
      expect((await send(delivery(target, 'quiet', { summary: {} }))).outcome).toBe('delivered');
  });

  it('the hints of the push service arrive', async () => {
    expect((await send(delivery('fcm', 'throttled.phone'))).retryAfterMs).toBe(2_000);
    expect((await send(delivery('apns', 'unregistered.phone'))).unregisteredAt).toBeGreaterThan(1_700_000_000_000);
  });
});

it('every option arrives at the phone', async () => {
  const phone = 'a-phone-of-its-own';
  await client.post(toPushRequest(delivery('apns', phone), { version: 'v3', fcmDev: true, fallbackText: 'x' }), 'tp');
  expect(await service.json(`/sandbox/devices/${phone}`)).toMatchObject({
    notifications: [
      {
        service: 'apns',
        mode: 'dev',
        title: 'bob@h',
        body: 'hi',
        badge: 2,
        click_action: 'open',
        sound: 'ping',
        topic: 'org.example.app',
        push_type: 'alert',
      },
    ],
  });
});
