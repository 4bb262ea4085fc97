import { describe, expect, it } from 'vitest';
import { decideAcceptance, toAuthorisation, toAuthoriseCommand } from './decision.ts';
import type { AcceptanceFacts } from './decision.ts';
import { dedupeKey, deviceFingerprint, secretDigest } from './delivery.ts';
import type { Push } from './push.ts';

const options = { service: 'apns', device: 'token', mode: 'dev', click_action: 'open', color: 'red' };
const facts = (changes: Partial<Omit<AcceptanceFacts, 'push'>> = {}, push: Partial<Push> = {}): AcceptanceFacts => ({
  push: {
    host: 'push.localhost',
    node: 'n',
    publisher: 'localhost',
    sender: 'localhost',
    requestId: 'rr-1',
    payload: { summary: { lastMessageBody: 'hi' }, otherBytes: 100 },
    options,
    ...push,
  },
  authorisation: { version: 3 },
  now: 1_000_000,
  defaultTtlMs: 60_000,
  maxPayloadBytes: 1_000,
  ...changes,
});

it('an accepted push becomes a delivery, with every option kept', () => {
  expect(decideAcceptance(facts())).toEqual({
    type: 'deliver',
    delivery: {
      v: 1,
      id: dedupeKey('push.localhost', 'localhost', 'rr-1', 'n', [{ lastMessageBody: 'hi' }, options]),
      node: { host: 'push.localhost', node: 'n', version: 3 },
      service: 'apns',
      mode: 'dev',
      deviceId: 'token',
      options,
      summary: { lastMessageBody: 'hi' },
      acceptedAt: 1_000_000,
      expiresAt: 1_060_000,
      attempt: 1,
    },
  });
});

it('without a reply from pubsub-push it is stored anyway, to be verified', () => {
  const decision = decideAcceptance(facts({ authorisation: 'unverified' }));
  expect(decision).toMatchObject({
    type: 'verify-later',
    publish: {
      publisher: 'localhost',
      device: deviceFingerprint({ service: 'apns', mode: 'dev', deviceId: 'token' }),
      secret: '',
      delivery: { node: { host: 'push.localhost', node: 'n' } },
    },
  });
});

it('the secret of a push goes to pubsub-push as a digest, and nowhere else', () => {
  const secured = facts({}, { options: { ...options, secret: 'hush' } });
  const secret = secretDigest('push.localhost', 'n', 'hush');
  expect(secret).toMatch(/^[\w-]{43}$/);
  expect(toAuthoriseCommand(secured.push, 1_000)).toMatchObject({ secret });
  const later = decideAcceptance({ ...secured, authorisation: 'unverified' });
  expect(later).toMatchObject({ type: 'verify-later', publish: { secret, delivery: { options } } });
  const verified = decideAcceptance(secured);
  expect(verified).toMatchObject({ delivery: { options } });
  for (const decision of [later, verified]) expect(JSON.stringify(decision)).not.toContain('hush');
  for (const other of [secretDigest('push.localhost', 'm', 'hush'), secretDigest('push.other', 'n', 'hush')])
    expect(other).not.toBe(secret);
});

describe('the device that the node stands for', () => {
  const command = (push: Partial<Push>) => toAuthoriseCommand(facts({}, push).push, 1_000);
  it('is the one that the push names', () => {
    const device = deviceFingerprint({ service: 'apns', mode: 'dev', deviceId: 'token' });
    expect(command({})).toEqual({
      v: 1,
      host: 'push.localhost',
      node: 'n',
      publisher: 'localhost',
      device,
      secret: '',
    });
  });
  it.each([
    ['has no payload', { payload: 'payload-required' }],
    ['has another payload', { payload: 'invalid-payload' }],
    ['is too big', { payload: { summary: {}, otherBytes: 1_001 } }],
    ['lacks options', { options: { service: 'apns' } }],
    ['has too large options', { options: 'too-large' }],
  ] as const)('stays the same if the push %s', (_what, push) => {
    expect(command(push)).not.toHaveProperty('device');
  });
});

describe('the order of the checks', () => {
  const bad = { payload: 'invalid-payload', options: {} } as const;
  const tooBig = { payload: { summary: {}, otherBytes: 1_001 }, options: {} };
  it.each([
    ['the node before the payload', { authorisation: 'not-found' }, bad, { type: 'unknown-node' }],
    ['the payload before the options', { authorisation: 'forbidden' }, bad, { type: 'invalid-payload' }],
    ['no payload at all', {}, { payload: 'payload-required' }, { type: 'payload-required' }],
    ['the size before the options', { authorisation: 'forbidden' }, tooBig, { type: 'payload-too-big' }],
    [
      'options that are too large',
      { authorisation: 'forbidden' },
      { options: 'too-large' },
      { type: 'options-too-large' },
    ],
    [
      'the options before the right to publish',
      { authorisation: 'forbidden' },
      { options: {} },
      { type: 'incomplete-options', why: 'publish-options must hold service and device_id' },
    ],
    ['the right to publish', { authorisation: 'forbidden' }, {}, { type: 'forbidden' }],
    [
      'a permanent fault is refused even if unverified',
      { authorisation: 'unverified' },
      bad,
      { type: 'invalid-payload' },
    ],
  ] as const)('%s', (_what, changes, push, refusal) => {
    expect(decideAcceptance(facts(changes, push))).toEqual({ type: 'refuse', refusal });
  });
});

it.each([
  ['3600', 3_600_000],
  ['0', 60_000],
  ['x', 60_000],
  ['-5', 60_000],
  ['99999999', 60_000],
  ['9999999', 2_419_200_000],
])('time_to_live %s makes it worthless after %d ms', (time_to_live, ms) => {
  const decision = decideAcceptance(facts({}, { options: { ...options, time_to_live } }));
  expect(decision).toMatchObject({ delivery: { expiresAt: 1_000_000 + ms } });
});

it('a call is worth a push for a minute, unless the client says otherwise', () => {
  const payload = { summary: { otherFields: { type: 'jmi', 'jmi-sid': 's' } }, otherBytes: 100 };
  const config = { defaultTtlMs: 3_600_000 };
  expect(decideAcceptance(facts(config, { payload }))).toMatchObject({ delivery: { expiresAt: 1_060_000 } });
  const longer = { payload, options: { ...options, time_to_live: '90' } };
  expect(decideAcceptance(facts(config, longer))).toMatchObject({ delivery: { expiresAt: 1_090_000 } });
});

it('the dedupe key depends on host, sender, request id, node and content', () => {
  const keys: [string, string, string, string, unknown][] = [
    ['h', 'a', 'b', 'c', 'x'],
    ['h', 'ab', '', 'c', 'x'],
    ['h', 'a', 'bc', '', 'x'],
    ['h', 'a/phone', 'b', 'c', 'x'],
    ['i', 'a', 'b', 'c', 'x'],
    ['h', 'a', 'b', 'c', 'y'],
  ];
  const once = keys.map((key) => dedupeKey(...key));
  expect(keys.map((key) => dedupeKey(...key))).toEqual(once);
  expect(new Set(once).size).toBe(keys.length);
});

it('the fingerprint of a device does not reveal its token', () => {
  expect(deviceFingerprint({ service: 'fcm', mode: 'prod', deviceId: 'token' })).toMatch(/^[\w-]{22}$/);
});

it.each([
  [{ type: 'allowed', version: 2, v: 1 }, { version: 2 }],
  [{ type: 'not-found', v: 1 }, 'not-found'],
  [{ type: 'forbidden', v: 1 }, 'forbidden'],
  [{ type: 'unavailable', v: 1 }, 'unverified'],
  [{ type: 'unreadable', v: 1 }, 'unverified'],
  [{ type: 'timeout' }, 'unverified'],
  [{ type: 'no-responders' }, 'unverified'],
  [{ type: 'disconnected' }, 'unverified'],
] as const)('the reply %j means %j', (reply, authorisation) => {
  expect(toAuthorisation(reply)).toEqual(authorisation);
});
