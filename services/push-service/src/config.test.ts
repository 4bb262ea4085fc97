import { expect, it } from 'vitest';
import { readPushServiceConfig } from './config.ts';

it('needs no variable at all', () => {
  expect(readPushServiceConfig({})).toMatchObject({ HTTP_HOST: '127.0.0.1', HTTP_PORT: 8080, providers: undefined });
});

it('refuses a topic that no header can carry', () => {
  expect(() => readPushServiceConfig({ SANDBOX_APNS_TOPIC: 'with space' })).toThrow('SANDBOX_APNS_TOPIC');
});
