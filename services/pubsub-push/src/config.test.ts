import { expect, it } from 'vitest';
import { readPubsubPushConfig } from './config.ts';

it.each(['redis://redis:6379', 'rediss://:hunter2@redis/1', 'redis://user:h%23nter2@redis'])('takes %s', (url) => {
  expect(readPubsubPushConfig({ REDIS_URL: url }).REDIS_URL).toBe(url);
});

it.each(['redis', 'http://:hunter2@redis', 'redis://:hunter2#x@redis', 'redis://'])(
  'refuses %s, and does not show it',
  (url) => {
    expect(() => readPubsubPushConfig({ REDIS_URL: url })).toThrow(/REDIS_URL: is no redis:(?!.*hunter2)/s);
  },
);
