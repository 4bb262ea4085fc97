import { expect, it } from 'vitest';
import { readPubsubPushConfig } from './config.ts';

it.each(['redis://redis:6379', 'rediss://:hunter2@redis/1', 'redis://user:h%23nter2@redis'])('accepts %s', (url) => {
  expect(readPubsubPushConfig({ REDIS_URL: url }).REDIS_URL).toBe(url);
});

it.each(['redis', 'http://:hunter2@redis', 'redis://:hunter2#x@redis', 'redis://'])(
  'refuses %s without showing it',
  (url) => {
    expect(() => readPubsubPushConfig({ REDIS_URL: url })).toThrow(/REDIS_URL: is not redis:(?!.*hunter2)/s);
  },
);

it('normalises trusted publishers as the gateway does', () => {
  expect(readPubsubPushConfig({}).trustedDomains).toEqual(new Set());
  const { trustedDomains } = readPubsubPushConfig({ TRUSTED_PUBLISHERS: 'XMPP.example.org., müller.example,' });
  expect([...trustedDomains]).toEqual(['xmpp.example.org', 'müller.example']);
});

it.each([
  ['a.example;b.example', 'entry 1 is'],
  ['a.example, xmpp://b.example,c@c.example', 'entry 2 is not a domain name; entry 3 is'],
  ['*.example', 'entry 1 is'],
])('refuses to trust %j', (TRUSTED_PUBLISHERS, entries) => {
  expect(() => readPubsubPushConfig({ TRUSTED_PUBLISHERS })).toThrow(
    `TRUSTED_PUBLISHERS: ${entries} not a domain name; it is the domains that may`,
  );
});

it.each([
  ['REDIS_URI', 'REDIS_URL'],
  ['REDIS_KEY_PREFX', 'REDIS_KEY_PREFIX'],
  ['NATS_STREAM_REPLICA', 'NATS_STREAM_REPLICAS'],
  ['TRUSTED_PUBLISHER', 'TRUSTED_PUBLISHERS'],
  ['PUBLISH_MODE', 'PUBLISH_MODEL'],
])('refuses %s, which can only be a typo', (typo, meant) => {
  expect(() => readPubsubPushConfig({ [typo]: 'hunter2' })).toThrow(
    new RegExp(`\n  ${typo}: is unknown; did you mean ${meant}\\?(?!.*hunter2)`, 's'),
  );
});

it('ignores what Kubernetes sets for a service called redis, and the parts that REDIS_URL is composed of', () => {
  const serviceLinks = {
    REDIS_SERVICE_HOST: '10.0.0.1',
    REDIS_SERVICE_PORT: '6379',
    REDIS_SERVICE_PORT_TCP_REDIS: '6379',
    REDIS_PORT: 'tcp://10.0.0.1:6379',
    REDIS_PORT_6379_TCP: 'tcp://10.0.0.1:6379',
    REDIS_PORT_6379_TCP_ADDR: '10.0.0.1',
    REDIS_PORT_6379_TCP_PORT: '6379',
    REDIS_PORT_6379_TCP_PROTO: 'tcp',
    REDIS_MASTER_PORT: 'tcp://10.0.0.2:6379',
    REDIS_MASTER_SERVICE_HOST: '10.0.0.2',
  };
  expect(readPubsubPushConfig(serviceLinks).REDIS_URL).toBe('redis://127.0.0.1:6379');
  const parts = ['HOST', 'PORT', 'USER', 'USERNAME', 'PASSWORD', 'PASS', 'DB', 'DATABASE', 'TLS_URL', 'SCHEME'];
  const given = Object.fromEntries(parts.map((part) => [`REDIS_${part}`, 'x']));
  const REDIS_URL = 'redis://:hunter2@redis:6379';
  expect(readPubsubPushConfig({ ...given, REDIS_URL }).REDIS_URL).toBe(REDIS_URL);
});
