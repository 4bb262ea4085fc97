import { expect, it } from 'vitest';
import { readDispatcherConfig } from './config.ts';

it('needs no variable at all', () => {
  expect(readDispatcherConfig({})).toMatchObject({ PUSH_API_URL: 'http://127.0.0.1:8080', certificate: undefined });
});

it.each([
  { PUSH_API_CERT: 'a certificate' },
  { PUSH_API_KEY: 'a key' },
  { PUSH_API_CERT: 'a certificate', PUSH_API_KEY: 'hunter2' },
])('refuses what is no certificate with its key, and does not repeat it: %j', (env) => {
  expect(() => readDispatcherConfig(env)).toThrow(/PUSH_API_KEY: .* both in PEM(?!.*hunter2)/s);
});

it('refuses a token that no header can carry, and does not repeat it', () => {
  expect(() => readDispatcherConfig({ PUSH_API_TOKEN: 'hunter 2' })).toThrow(/PUSH_API_TOKEN(?!.*hunter)/s);
});
