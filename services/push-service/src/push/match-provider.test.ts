import { expect, it } from 'vitest';
import { matchProvider } from './match-provider.ts';

const fcm = { service: 'fcm', mode: 'prod', tags: ['a', 'b'] } as const;
const apns = { service: 'apns', mode: 'prod', tags: [] } as const;
const push = { device_id: 'TOK', service: 'fcm', mode: 'prod', tags: [] } as const;

it('finds the provider of the service and mode that has all tags', () => {
  expect(matchProvider([apns, fcm], push)).toBe(fcm);
  expect(matchProvider([apns, fcm], { ...push, tags: ['b'] })).toBe(fcm);
  expect(matchProvider([apns, fcm], { ...push, tags: ['b', 'c'] })).toBeUndefined();
  expect(matchProvider([apns, fcm], { ...push, mode: 'dev' })).toBeUndefined();
});
