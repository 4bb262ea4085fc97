import { expect, it } from 'vitest';
import { createFaults, readFault } from './fault.ts';

it('refuses an invalid answer', () => {
  for (const answer of ['party', 'throttled.soon', 'throttled.1.a'])
    expect(readFault({ answer })).toMatchObject({ ok: false, errors: [{ source: { pointer: '/answer' } }] });
});

it.each([2_000_000_000, 1e21, -1])('limits the delay of a fault that is slow for %s ms', (ms) => {
  const fault = readFault({ answer: 'slow', ms });
  if (!fault.ok) throw new Error(fault.errors[0]?.message);
  const faults = createFaults();
  faults.set([fault.value]);
  const expected = { type: 'slow', ms: ms < 0 ? 0 : 60_000 };
  expect(faults.behaviourFor({ service: 'fcm', mode: undefined, token: 'a' })).toMatchObject(expected);
});

it('accepts a mode only for a service that has modes', () => {
  expect(readFault({ answer: 'cut', service: 'apns', mode: 'dev' })).toMatchObject({ ok: true });
  expect(readFault({ answer: 'cut', service: 'fcm', mode: 'dev' })).toMatchObject({ ok: false });
  expect(readFault({ answer: 'cut', service: 'webpush', mode: 'dev' })).toMatchObject({ ok: false });
});

it.each([
  [{ percent: 150 }, 'percent is 150; expected 1 to 100'],
  [{ percent: 0 }, 'percent is 0; expected 1 to 100'],
  [{ times: 0 }, 'times is 0; expected 1 or more'],
  [{ service: 'apple' }, 'Invalid value for enum; expected one of apns, fcm, webpush'],
])('refuses a fault that could never apply, and says why: %j', (wrong, message) => {
  expect(readFault({ answer: 'cut', ...wrong })).toMatchObject({ ok: false, errors: [{ message }] });
});

it('applies the first fault that covers a request, within its times and percent', () => {
  const faults = createFaults(() => 0.3);
  const apns = { service: 'apns', mode: 'prod', token: 'a' } as const;
  faults.set([
    { answer: 'reset', token: 'b' },
    { answer: 'cut', service: 'apns', mode: 'dev' },
    { answer: 'html', percent: 30 },
    { answer: 'badtoken', percent: 31, times: 2 },
  ]);
  expect(faults.behaviourFor({ ...apns, token: 'b' })).toEqual({ type: 'reset', code: 2 });
  expect(faults.behaviourFor({ ...apns, mode: 'dev' })).toEqual({ type: 'cut' });
  expect([1, 2, 3].map(() => faults.behaviourFor(apns)?.type)).toEqual(['badtoken', 'badtoken', undefined]);
  expect(faults.list().map(({ answer }) => answer)).toEqual(['reset', 'cut', 'html']);
  faults.set([]);
  expect(faults.behaviourFor({ ...apns, token: 'b' })).toBeUndefined();
});
