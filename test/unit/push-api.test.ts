// The dispatcher's half of the MongoosePush API against push-service's half.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pushServices } from '@pushmesh/contracts';
import type { Delivery, PushService } from '@pushmesh/contracts';
import { createPushApiClient } from '../../services/dispatcher/src/adapters/push-api.ts';
import type { PushApiOptions } from '../../services/dispatcher/src/adapters/push-api.ts';
import { toPushRequest } from '../../services/dispatcher/src/domain/request.ts';
import { toVerdict } from '../../services/dispatcher/src/domain/verdict.ts';
import type { WebPushMessage } from '../../services/push-service/src/providers/web-push/message.ts';
import { createFakeAuthority } from '@pushmesh/fakes';
import { startPushService } from '../../services/push-service/testing/start-push-service.ts';

const onNotTaken = () => expect.unreachable();
const style = { version: 'v3', fcmDev: true, fallbackText: 'x' } as const;

let service: Awaited<ReturnType<typeof startPushService>>;
let client: ReturnType<typeof createPushApiClient>;
beforeAll(async () => {
  service = await startPushService();
  client = createPushApiClient({
    url: service.url,
    timeoutMs: 5_000,
    connections: 4,
    ca: undefined,
    verify: true,
    onNotTaken,
  });
});
afterAll(async () => {
  await client.close();
  await service.stop();
});

const subscription = (token: string): Promise<string> => service.sandbox.subscription(token);

const delivery = async (target: PushService, token: string, more: Partial<Delivery> = {}): Promise<Delivery> => ({
  v: 1,
  id: 'd',
  node: { host: 'h', node: 'n', version: 1 },
  service: target,
  mode: 'dev',
  deviceId: target === 'webpush' ? await subscription(token) : token,
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
  expiresAt: 60_001,
  attempt: 1,
  ...more,
});

describe.each(['v2', 'v3'] as const)('%s', (version) => {
  const send = async (each: Delivery) =>
    toVerdict(
      await client.post(toPushRequest(each, { version, fcmDev: true, fallbackText: 'New message' }, 1), 'tp'),
      each,
    );

  it.each([
    ['phone', 'delivered'],
    ['unregistered.phone', 'unregistered'],
    ['badtoken.phone', 'rejected'],
    ['throttled.phone', 'throttled'],
    ['unavailable.phone', 'unavailable'],
    ['reset.phone', 'unavailable'],
    ['a/b c:d%2F?#', 'delivered'],
  ])('a push to %s is %s, on all push services', async (token, outcome) => {
    for (const target of pushServices) expect((await send(await delivery(target, token))).outcome).toBe(outcome);
  });

  it('a push that is too large is reported as such, except by FCM in v2, whose own word does not say so', async () => {
    for (const target of ['apns', 'webpush'] as const)
      expect((await send(await delivery(target, 'toolarge.always.phone'))).outcome).toBe('too-large');
    const fcm = await send(await delivery('fcm', 'toolarge.always.phone'));
    expect(fcm.outcome).toBe(version === 'v3' ? 'too-large' : 'rejected');
  });

  it('a device id that is not a subscription is rejected; one of 4,096 octets is accepted, however they are encoded', async () => {
    expect((await send(await delivery('webpush', '', { deviceId: 'TOK' }))).outcome).toBe('rejected');
    const long = await subscription('long');
    const spaces = ' '.repeat(4_096 - long.length);
    expect((await send(await delivery('webpush', '', { deviceId: long + spaces }))).outcome).toBe('delivered');
  });

  it('a push without text is accepted', async () => {
    for (const target of pushServices)
      expect((await send(await delivery(target, 'quiet', { summary: {} }))).outcome).toBe('delivered');
  });

  it("the push service's hints arrive", async () => {
    for (const target of ['fcm', 'webpush'] as const)
      expect((await send(await delivery(target, 'throttled.phone'))).retryAfterMs).toBe(2_000);
    expect(await send(await delivery('webpush', 'unregistered.phone'))).not.toHaveProperty('unregisteredAt');
    expect((await send(await delivery('apns', 'unregistered.phone'))).unregisteredAt).toBeGreaterThan(
      1_700_000_000_000,
    );
  });
});

it('many pushes in one request get the same answers as each on its own', async () => {
  const tokens = [
    'phone',
    'unregistered',
    'badtoken',
    'throttled',
    'unavailable',
    'reset',
    'toolarge.always',
    'slow.200',
  ];
  const deliveries = await Promise.all(
    pushServices.flatMap((target) =>
      tokens.map((token) => delivery(target, token === 'phone' ? `batched-${target}` : `${token}.batched`)),
    ),
  );
  deliveries.push(await delivery('webpush', '', { deviceId: 'no subscription' }));
  const request = (each: Delivery) => toPushRequest(each, style, 1);
  const verdict = async (each: Delivery) => toVerdict(await client.post(request(each), 'tp'), each);
  const alone: unknown[] = [];
  for (const each of deliveries) alone.push(await verdict(each));
  let requests = 0;
  service.server.server.on('request', () => (requests += 1));
  expect(await Promise.all(deliveries.map(verdict))).toEqual(alone);
  expect(requests).toBe(1);
});

it('a call is a VoIP push on APNs, and has high priority everywhere', async () => {
  const otherFields = { type: 'jmi', 'jmi-sid': 's1', 'jmi-from': 'bob@h/lab' };
  for (const target of pushServices) {
    const call = await delivery(target, `called-${target}`, {
      summary: { otherFields },
      options: { topic: 'app.voip' },
    });
    await client.post(toPushRequest(call, style, 1), 'tp');
  }
  const received = async (target: string) => (await service.sandbox.phone(`called-${target}`))[0]?.provider;
  expect(await received('apns')).toMatchObject({ headers: { 'apns-push-type': 'voip', 'apns-priority': '10' } });
  expect(await received('fcm')).toMatchObject({ data: otherFields, android: { priority: 'HIGH' } });
  expect(await received('webpush')).toMatchObject({ headers: { urgency: 'high' } });
});

it('a Web Push app gets the whole alert, click_action included', async () => {
  const to = await delivery('webpush', 'a-browser-of-its-own');
  await client.post(toPushRequest(to, style, 1), 'tp');
  const alert = { title: 'bob@h', body: 'hi', tag: 'bob@h', badge: 2, click_action: 'open', sound: 'ping' };
  const [received] = await service.sandbox.phone('a-browser-of-its-own');
  const message = received?.provider as WebPushMessage | undefined;
  expect(message?.headers).toMatchObject({ ttl: '60', urgency: 'high' });
  expect(JSON.parse(message?.payload ?? '')).toEqual({ alert });
});

it('every option reaches the phone', async () => {
  const phone = 'a-phone-of-its-own';
  await client.post(toPushRequest(await delivery('apns', phone), style, 1), 'tp');
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

describe('an API that authenticates its callers', () => {
  const authority = createFakeAuthority();
  const folder = mkdtempSync(join(tmpdir(), 'pushmesh-push-api-'));
  const write = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };
  const { cert, key } = authority.issue('push-service');
  const token = 'the-token-of-the-dispatcher';
  const verdictOf = async (target: PushService, shown: Partial<PushApiOptions>) => {
    const guarded = await startPushService({
      http: {
        bearerTokens: [token],
        tls: { cert: write('cert', cert), key: write('key', key), clientCa: write('ca', authority.ca) },
      },
    });
    const caller = createPushApiClient({
      url: guarded.url,
      timeoutMs: 5_000,
      connections: 1,
      ca: authority.ca,
      verify: true,
      onNotTaken,
      certificate: authority.issue('dispatcher', []),
      ...shown,
    });
    try {
      const to = await delivery(target, 'phone');
      const request = toPushRequest(to, style, 1);
      return toVerdict(await caller.post(request, 'tp'), to);
    } finally {
      await caller.close();
      await guarded.stop();
    }
  };

  it('gets a token and a certificate', async () => {
    expect((await verdictOf('apns', { token })).outcome).toBe('delivered');
  });

  it.each([
    ['no token', {}, 'unauthorized', 'PUSH_API_TOKEN'],
    ['another token', { token: 'another' }, 'unauthorized', 'PUSH_API_TOKEN'],
    ['another authority', { token, ca: createFakeAuthority().ca }, 'tls', expect.stringContaining('PUSH_API_CA')],
  ])(
    'with %s, deliveries are held and the verdict says what to check',
    async (_what, shown, reason, lockedOutBy: unknown) => {
      for (const target of pushServices)
        expect(await verdictOf(target, shown)).toMatchObject({
          outcome: 'unavailable',
          isOut: true,
          reason,
          lockedOutBy,
        });
    },
  );
});
