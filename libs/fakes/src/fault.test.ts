import { expect, it } from 'vitest';
import { actOf, mistakeIn, readAct, retryAfterText } from './behaviour.ts';
import { createFaults, readFault } from './fault.ts';

it.each([
  ['unregistered.future.a', { type: 'unregistered', since: 'future' }],
  ['throttled.a', { type: 'throttled', retryAfter: { type: 'seconds', seconds: 2 } }],
  ['throttled.absurd.a', { type: 'throttled', retryAfter: { type: 'absurd' } }],
  ['unavailable.a', { type: 'unavailable', retryAfter: { type: 'none' } }],
  ['slow.20-80.a', { type: 'slow', ms: 20, mostMs: 80 }],
  ['slow.999999.a', { type: 'slow', ms: 60_000, mostMs: 60_000 }],
  ['slow.2000000000.a', { type: 'slow', ms: 60_000, mostMs: 60_000 }],
  ['word.BadTopic.a', { type: 'word', word: 'BadTopic' }],
  ['goaway.Shutdown.a', { type: 'goaway', reason: 'Shutdown' }],
  ['refused.a', { type: 'reset', code: 7 }],
  ['devonly.a', { type: 'only', mode: 'dev' }],
  ['reset', { type: 'accept' }],
  ['cXy0-_ABCDEFGHIJKLMNOP:APA91b', { type: 'accept' }],
])('the token %s', (token, act) => {
  expect(actOf(token)).toEqual(act);
});

it.each([
  'throtled.30.a',
  'throttled.abc.a',
  'slow.a',
  'html.999.a',
  'reset.a.b',
  'word..a',
  '__proto__.a',
  '.a',
  'a.',
])('the token %s is a mistake', (token) => {
  expect(actOf(token)).toMatchObject({ type: 'mistaken' });
});

it('says which words there are', () => {
  expect(mistakeIn('throtled.30.a')).toMatch(/^“throtled” is none of unregistered, .*throttled/);
  expect(mistakeIn('slow.a')).toMatch(/^“slow” cannot stand with what follows it \(/);
  expect(mistakeIn('unregistered.anna.smith')).toMatch(
    /follows it: “anna” is none of its arguments, and a name has no dot/,
  );
});

it('asks to wait in every form of the header', () => {
  const now = Date.UTC(2026, 10, 1);
  expect(retryAfterText({ type: 'date' }, now)).toBe('Sun, 01 Nov 2026 00:00:05 GMT');
  expect(retryAfterText({ type: 'absurd' }, now)).toBe('999999999999');
  expect(retryAfterText({ type: 'none' }, now)).toBeUndefined();
});

it('takes one word for an act of all', () => {
  expect(readAct('reset')).toEqual({ type: 'reset', code: 2 });
  for (const answer of ['party', 'throttled.soon', 'throttled.1.a'])
    expect(readFault({ answer })).toMatchObject({ ok: false, errors: [{ source: { pointer: '/answer' } }] });
});

it.each([2_000_000_000, 1e21, -1])('plays a fault that is slow for %s ms', (ms) => {
  const fault = readFault({ answer: 'slow', ms });
  if (!fault.ok) throw new Error(fault.errors[0]?.message);
  const faults = createFaults();
  faults.set([fault.value]);
  const played = { type: 'slow', ms: ms < 0 ? 0 : 60_000 };
  expect(faults.actFor({ service: 'fcm', mode: undefined, token: 'a' })).toMatchObject(played);
});

it('takes a mode for a service that has some', () => {
  expect(readFault({ answer: 'cut', service: 'apns', mode: 'dev' })).toMatchObject({ ok: true });
  expect(readFault({ answer: 'cut', service: 'fcm', mode: 'dev' })).toMatchObject({ ok: false });
  expect(readFault({ answer: 'cut', service: 'webpush', mode: 'dev' })).toMatchObject({ ok: false });
});

it.each([
  [{ percent: 150 }, 'percent is 150; expected 1 to 100'],
  [{ percent: 0 }, 'percent is 0; expected 1 to 100'],
  [{ times: 0 }, 'times is 0; expected 1 or more'],
  [{ service: 'apple' }, 'Invalid value for enum; expected one of apns, fcm, webpush'],
])('refuses what would never be played, in words: %j', (wrong, message) => {
  expect(readFault({ answer: 'cut', ...wrong })).toMatchObject({ ok: false, errors: [{ message }] });
});

it('plays the first fault that is about a request, as often and as likely as it says', () => {
  const faults = createFaults(() => 0.3);
  const apns = { service: 'apns', mode: 'prod', token: 'a' } as const;
  faults.set([
    { answer: 'reset', token: 'b' },
    { answer: 'cut', service: 'apns', mode: 'dev' },
    { answer: 'html', percent: 30 },
    { answer: 'badtoken', percent: 31, times: 2 },
  ]);
  expect(faults.actFor({ ...apns, token: 'b' })).toEqual({ type: 'reset', code: 2 });
  expect(faults.actFor({ ...apns, mode: 'dev' })).toEqual({ type: 'cut' });
  expect([1, 2, 3].map(() => faults.actFor(apns)?.type)).toEqual(['badtoken', 'badtoken', undefined]);
  expect(faults.list().map(({ answer }) => answer)).toEqual(['reset', 'cut', 'html']);
  faults.set([]);
  expect(faults.actFor({ ...apns, token: 'b' })).toBeUndefined();
});
