import { createPrivateKey, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { expect, it } from 'vitest';
import { createFakeServiceAccount } from './service-account.ts';
import type { FakeServiceAccount } from './service-account.ts';
import { createTokenIssuer } from './token-issuer.ts';

const tokenUri = 'https://oauth2.example/token';
const account = createFakeServiceAccount({ projectId: 'chat', tokenUri });
const privateKeyOf = ({ json }: FakeServiceAccount): KeyObject =>
  createPrivateKey((JSON.parse(json) as { readonly private_key: string }).private_key);
const ownKey = privateKeyOf(account);
const otherKey = privateKeyOf(createFakeServiceAccount({ projectId: 'chat', tokenUri }));
const now = 1_700_000_000;
const validClaims = {
  iss: account.clientEmail,
  scope: 'https://www.googleapis.com/auth/firebase.messaging',
  aud: tokenUri,
  iat: now,
  exp: now + 3600,
};

const answer = (claims: object, header: object = {}, by = ownKey, grantType = 'jwt-bearer') => {
  let elapsed = 0;
  const issuer = createTokenIssuer({
    accounts: [account],
    lifetimeSeconds: 60,
    clock: () => now * 1000 + elapsed,
  });
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const signed = `${encode({ alg: 'RS256', kid: 'key-1', ...header })}.${encode({ ...validClaims, ...claims })}`;
  const signature = sign('RSA-SHA256', Buffer.from(signed), by).toString('base64url');
  const form = new URLSearchParams({
    grant_type: `urn:ietf:params:oauth:grant-type:${grantType}`,
    assertion: `${signed}.${signature}`,
  });
  const { status, body } = issuer.answer(form, tokenUri);
  const json = JSON.parse(body) as { access_token: string; error: string };
  const again = () => issuer.answer(form, tokenUri);
  return { status, ...json, issuer, again, pass: (ms: number) => (elapsed += ms) };
};

it('issues a token that is valid until it expires or is revoked', () => {
  const issued = answer({});
  expect(issued.status).toBe(200);
  expect(issued.issuer.accountOf(issued.access_token)).toBe(account);
  expect(issued.issuer.accountOf('ya29.other')).toBeUndefined();
  issued.pass(60_000);
  expect(issued.issuer.accountOf(issued.access_token)).toBeUndefined();
  issued.pass(-1);
  issued.issuer.revokeTokens();
  expect(issued.issuer.accountOf(issued.access_token)).toBeUndefined();
});

it('forgets expired tokens when it issues another', () => {
  const issued = answer({});
  issued.pass(60_000);
  expect(issued.again().status).toBe(200);
  issued.pass(-1);
  expect(issued.issuer.accountOf(issued.access_token)).toBeUndefined();
});

it.each([
  ['another audience', answer({ aud: 'https://other.example/' }), 'invalid_grant'],
  ['another issuer', answer({ iss: 'mallory@chat' }), 'invalid_grant'],
  ['an issue time in the future', answer({ iat: now + 7200, exp: now + 10_800 }), 'invalid_grant'],
  ['an expired assertion', answer({ iat: now - 7200, exp: now - 3600 }), 'invalid_grant'],
  ['too long a lifetime', answer({ exp: now + 3601 }), 'invalid_grant'],
  ['no times', answer({ iat: undefined, exp: undefined }), 'invalid_grant'],
  ['another scope', answer({ scope: 'https://www.googleapis.com/auth/drive' }), 'invalid_scope'],
  ['another algorithm', answer({}, { alg: 'none' }), 'invalid_grant'],
  ['an unknown key', answer({}, { kid: 'key-2' }), 'invalid_grant'],
  ['the signature of another key', answer({}, {}, otherKey), 'invalid_grant'],
  ['another grant type', answer({}, {}, ownKey, 'saml2-bearer'), 'unsupported_grant_type'],
])('refuses %s', (_name, { status, error }, word) => {
  expect({ status, error }).toEqual({ status: 400, error: word });
});
