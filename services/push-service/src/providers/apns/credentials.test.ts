import { generateKeyPairSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { createFakeApnsKey, createFakeAuthority } from '@pushmesh/fakes';
import { readApnsCredentials } from './credentials.ts';

const token = (p8: string) => readApnsCredentials({ type: 'token', keyId: 'K', teamId: 'T', p8 });
const { issue } = createFakeAuthority();

it('accepts a P-256 key, and a certificate with its key', () => {
  expect(token(createFakeApnsKey().p8)).toMatchObject({ ok: true, credentials: { keyId: 'K', teamId: 'T' } });
  expect(readApnsCredentials({ type: 'certificate', ...issue('a') })).toMatchObject({ ok: true });
});

it('names what is wrong with anything else', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  expect(token('')).toEqual({ ok: false, why: 'key_unreadable' });
  expect(token(issue('a').cert)).toEqual({ ok: false, why: 'key_unreadable' });
  expect(token(rsa.toString())).toEqual({ ok: false, why: 'key_not_p256' });
  const { key } = issue('a');
  expect(readApnsCredentials({ type: 'certificate', cert: key, key })).toEqual({
    ok: false,
    why: 'certificate_unreadable',
  });
  const whole = issue('a');
  const half = issue('b').cert.slice(0, 200);
  expect(readApnsCredentials({ type: 'certificate', cert: whole.cert + half, key: whole.key })).toEqual({
    ok: false,
    why: 'certificate_unreadable',
  });
  expect(readApnsCredentials({ type: 'certificate', cert: issue('b').cert, key })).toEqual({
    ok: false,
    why: 'key_of_another_certificate',
  });
});
