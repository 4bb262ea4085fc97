import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { groups, readConfig } from './index.ts';

const read = (env: Record<string, string>) => readConfig(Type.Object(groups.nats), env);

describe('NATS_URL', () => {
  it.each([
    'nats://nats-0:4222,nats://nats-1:4222',
    'tls://nats.example.org',
    'localhost:4222, 127.0.0.1',
    'nats://[::1]:4222/',
  ])('accepts %s', (url) => {
    expect(read({ NATS_URL: url }).NATS_URL).toBe(url);
  });

  it.each([
    ['nats://user:s3cretpw@127.0.0.1:4222', 'has credentials in it: .* NATS_CREDS_FILE'],
    ['nats://a:4222,s3cretpw@127.0.0.1', 'has credentials in it: .* NATS_CREDS_FILE'],
    ['http://x', 'begins with http://; expected an address that begins with nats:// or tls://'],
    ['ws://x', 'begins with ws://'],
    ['nats://a:4222,', 'has no host'],
    ['nats://user:s3cretpw', 'an invalid port'],
    ['nats://a:70000', 'an invalid port'],
    ['nats://a/s3cretpw', 'has more than host and port'],
  ])('refuses %s', (url, why) => {
    expect(() => read({ NATS_URL: url })).toThrow(
      new RegExp(`^  NATS_URL: (?!.*s3cret).*${why}.*; for example NATS_URL=nats://`, 'm'),
    );
  });
});

describe('NATS_CREDS', () => {
  const seed = `SU${'A'.repeat(56)}`;
  const block = (what: string, value: string) => `-----BEGIN ${what}-----\n${value}\n------END ${what}------\n`;
  const jwt = block('NATS USER JWT', 'eyJ0eXAi.eyJqdGki.c2ln');
  const creds = `${jwt}\n*** IMPORTANT ***\n\n${block('USER NKEY SEED', seed)}\n*****\n`;

  it.each([creds, creds.trim(), `${jwt}${block('USER NKEY SEED', seed)}`.trim(), creds.replaceAll('\n', '\r\n')])(
    'accepts what nsc writes, and what editors make of it',
    (text) => {
      expect(read({ NATS_CREDS: text }).NATS_CREDS).toBe(text);
    },
  );

  it.each(['junk', seed, jwt, `${jwt}${block('USER NKEY SEED', 'SUshort')}`])(
    'refuses %j without showing it',
    (text) => {
      const refused = () => read({ NATS_CREDS: text });
      expect(refused).toThrow('NATS_CREDS: holds no NATS credentials');
      expect(refused).not.toThrow(/junk|SUA|SUshort|eyJ/);
    },
  );
});
