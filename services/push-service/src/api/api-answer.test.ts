import { categories } from '@pushmesh/contracts';
import { expect, it } from 'vitest';
import { toApiAnswer } from './api-answer.ts';

it('answers every category with a JSON body', () => {
  for (const category of categories)
    for (const version of ['v1', 'v2', 'v3'] as const) {
      const { status, body } = toApiAnswer(version, category === 'ok' ? { category } : { category, reason: 'Word' });
      expect(status === 200).toBe(category === 'ok');
      expect(() => JSON.parse(body) as unknown).not.toThrow();
    }
});

it('passes on since when a token has been dead', () => {
  const answer = { category: 'unregistered', reason: 'ExpiredToken', unregisteredAt: 1_700_000_000_000 } as const;
  expect(toApiAnswer('v3', answer)).toEqual({
    status: 410,
    body: '{"reason":"unregistered"}',
    headers: { 'x-unregistered-at': '1700000000000' },
  });
});

it.each([
  [30, '30'],
  [0, '0'],
  [undefined, undefined],
])('passes on a wait of %s seconds', (seconds, header) => {
  const answer = { category: 'service_internal', reason: 'Shutdown' } as const;
  const { headers } = toApiAnswer('v3', { ...answer, ...(seconds !== undefined && { retryAfterSeconds: seconds }) });
  expect(headers['retry-after']).toBe(header);
});
