import { describe, expect, it } from 'vitest';
import { stanzaErrors } from './stanza-errors.ts';
import { decidePublish, dedupeKey, deviceFingerprint, secretDigest, toAuthorisation, toQuestion } from './publish.ts';
import type { PublishFacts } from './publish.ts';

const options = { service: 'apns', device: 'token', mode: 'dev', click_action: 'open', color: 'red' };
const facts = (
  changes: Partial<Omit<PublishFacts, 'publish'>> = {},
  publish: Partial<PublishFacts['publish']> = {},
): PublishFacts => ({
  host: 'push.localhost',
  sender: 'localhost',
  iqId: 'rr-1',
  publish: {
    node: 'n',
    payload: { summary: { lastMessageBody: 'hi' }, otherBytes: 100 },
    options,
    areOptionsTooLarge: false,
    ...publish,
  },
  authorisation: { version: 3 },
  now: 1_000_000,
  defaultTtlMs: 60_000,
  maxPayloadBytes: 1_000,
  ...changes,
});

it('an accepted publish becomes a delivery, with every option kept', () => {
  expect(decidePublish(facts())).toEqual({
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

it('without a word from pubsub-push it is stored all the same, to be verified', () => {
  const decision = decidePublish(facts({ authorisation: 'unverified' }));
  expect(decision).toMatchObject({
    type: 'verify-later',
    device: deviceFingerprint({ service: 'apns', mode: 'dev', deviceId: 'token' }),
    secret: '',
    delivery: { node: { host: 'push.localhost', node: 'n' } },
  });
});

it('the secret of a publish goes to pubsub-push as a digest, and nowhere else', () => {
  const secured = facts({}, { options: { ...options, secret: 'hush' } });
  const secret = secretDigest('push.localhost', 'n', 'hush');
  expect(secret).toMatch(/^[\w-]{43}$/);
  expect(toQuestion('push.localhost', 'localhost', secured.publish, 1_000)).toMatchObject({ secret });
  const later = decidePublish({ ...secured, authorisation: 'unverified' });
  expect(later).toMatchObject({ type: 'verify-later', secret });
  for (const decision of [later, decidePublish(secured)]) {
    expect(decision).toMatchObject({ delivery: { options } });
    expect(JSON.stringify(decision)).not.toContain('hush');
  }
  for (const other of [secretDigest('push.localhost', 'm', 'hush'), secretDigest('push.other', 'n', 'hush')])
    expect(other).not.toBe(secret);
});

describe('the device that the node stands for', () => {
  const question = (publish: Partial<PublishFacts['publish']>) =>
    toQuestion('push.localhost', 'localhost', facts({}, publish).publish, 1_000);
  it('is that of the publish', () => {
    const device = deviceFingerprint({ service: 'apns', mode: 'dev', deviceId: 'token' });
    expect(question({})).toEqual({
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
    ['has another payload', { payload: 'payload-invalid' }],
    ['is too big', { payload: { summary: {}, otherBytes: 1_001 } }],
    ['lacks options', { options: { service: 'apns' } }],
  ] as const)('is not that of a publish that %s', (_what, publish) => {
    expect(question(publish)).not.toHaveProperty('device');
  });
});

describe('the order of the checks', () => {
  const bad = { payload: 'payload-invalid', options: {} } as const;
  const tooBig = { payload: { summary: {}, otherBytes: 1_001 }, options: {} };
  it.each([
    ['the node before the payload', { authorisation: 'not-found' }, bad, stanzaErrors.nodeUnknown],
    ['the payload before the options', { authorisation: 'forbidden' }, bad, stanzaErrors.payloadInvalid],
    ['no payload at all', {}, { payload: 'payload-required' }, stanzaErrors.payloadRequired],
    ['the size before the options', { authorisation: 'forbidden' }, tooBig, stanzaErrors.payloadTooBig],
    [
      'options that are too large',
      {},
      { options: {}, areOptionsTooLarge: true },
      stanzaErrors.preconditionNotMet('publish-options are too large'),
    ],
    [
      'the options before the right to publish',
      { authorisation: 'forbidden' },
      { options: {} },
      stanzaErrors.preconditionNotMet('publish-options must hold service and device_id'),
    ],
    ['the right to publish', { authorisation: 'forbidden' }, {}, stanzaErrors.forbidden],
    [
      'what is wrong for ever is refused even while unverified',
      { authorisation: 'unverified' },
      bad,
      stanzaErrors.payloadInvalid,
    ],
  ] as const)('%s', (_what, changes, publish, error) => {
    expect(decidePublish(facts(changes, publish))).toEqual({ type: 'refuse', error });
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
  const decision = decidePublish(facts({}, { options: { ...options, time_to_live } }));
  expect(decision).toMatchObject({ delivery: { expiresAt: 1_000_000 + ms } });
});

it('a call that waited for a minute is not worth a push, unless the client says otherwise', () => {
  const payload = { summary: { otherFields: { type: 'jmi', 'jmi-sid': 's' } }, otherBytes: 100 };
  const config = { defaultTtlMs: 3_600_000 };
  expect(decidePublish(facts(config, { payload }))).toMatchObject({ delivery: { expiresAt: 1_060_000 } });
  const longer = { payload, options: { ...options, time_to_live: '90' } };
  expect(decidePublish(facts(config, longer))).toMatchObject({ delivery: { expiresAt: 1_090_000 } });
});

it('the dedupe key is that of host, sender, iq id, node and content', () => {
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

it('the fingerprint of a device does not tell its token', () => {
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
