import { expect, it } from 'vitest';
import { behaviourOf, mistakeIn, parseBehaviour, retryAfterHeader } from './behaviour.ts';

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
])('the token %s selects its behaviour', (token, behaviour) => {
  expect(behaviourOf(token)).toEqual(behaviour);
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
  expect(behaviourOf(token)).toMatchObject({ type: 'mistaken' });
});

it('lists the valid prefixes', () => {
  expect(mistakeIn('throtled.30.a')).toMatch(/^"throtled" is not one of unregistered, .*throttled/);
  expect(mistakeIn('slow.a')).toMatch(/^"slow" cannot have what follows it \(/);
  expect(mistakeIn('unregistered.anna.smith')).toMatch(
    /follows it: "anna" is not one of its arguments, and a name has no dot/,
  );
});

it('writes every form of the retry-after header', () => {
  const now = Date.UTC(2026, 10, 1);
  expect(retryAfterHeader({ type: 'date' }, now)).toBe('Sun, 01 Nov 2026 00:00:05 GMT');
  expect(retryAfterHeader({ type: 'absurd' }, now)).toBe('999999999999');
  expect(retryAfterHeader({ type: 'none' }, now)).toBeUndefined();
});

it('parses the answer of a fault', () => {
  expect(parseBehaviour('reset')).toEqual({ type: 'reset', code: 2 });
  for (const answer of ['party', 'throttled.soon', 'throttled.1.a'])
    expect(parseBehaviour(answer)).toMatchObject({ type: 'mistaken' });
});
