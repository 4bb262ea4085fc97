import { sign } from 'node:crypto';
import { expect, it } from 'vitest';
import { parseServiceAccount } from '../../../../services/push-service/src/providers/fcm/service-account.ts';
import { createFakeServiceAccount } from './service-account.ts';
import { createTokenIssuer } from './token-issuer.ts';

const tokenUri = 'https://oauth2.example/token';
const account = createFakeServiceAccount({ projectId: 'chat', tokenUri });
const parsed = parseServiceAccount(account.json);
const stranger = parseServiceAccount(createFakeServiceAccount({ projectId: 'chat', tokenUri }).json);
const now = 1_700_000_000;
const right = {
  iss: account.clientEmail,
  scope: 'https://www.googleapis.com/auth/firebase.messaging',
  aud: tokenUri,
  iat: now,
  exp: now + 3600,
};

const answer = (claims: object, header: object = {}, by = parsed, grantType = 'jwt-bearer') => {
  if (!by.ok) throw new Error(by.problem);
  let elapsed = 0;
  const issuer = createTokenIssuer({
    accounts: [account],
    lifetimeSeconds: 60,
    clock: () => now * 1000 + elapsed,
  });
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const signed = `${encode({ alg: 'RS256', kid: 'key-1', ...header })}.${encode({ ...right, ...claims })}`;
  const signature = sign('RSA-SHA256', Buffer.from(signed), by.account.privateKey).toString('base64url');
  const form = new URLSearchParams({
    grant_type: `urn:ietf:params:oauth:grant-type:${grantType}`,
    assertion: `${signed}.${signature}`,
  });
  const { status, body } = issuer.answer(form, tokenUri);
  const json = JSON.parse(body) as { access_token: string; error: string };
  const again = () => issuer.answer(form, tokenUri);
  return { status, ...json, issuer, again, pass: (ms: number) => (elapsed += ms) };
};

it('gives a token that lives for its time, or until it is revoked', () => {
  const given = answer({});
  expect(given.status).toBe(200);
  expect(given.issuer.accountOf(given.access_token)).toBe(account);
  expect(given.issuer.accountOf('ya29.other')).toBeUndefined();
  given.pass(60_000);
  expect(given.issuer.accountOf(given.access_token)).toBeUndefined();
  given.pass(-1);
  given.issuer.revokeTokens();
  expect(given.issuer.accountOf(given.access_token)).toBeUndefined();
});

it('forgets the tokens that are dead when it gives another', () => {
  const given = answer({});
  given.pass(60_000);
  expect(given.again().status).toBe(200);
  given.pass(-1);
  expect(given.issuer.accountOf(given.access_token)).toBeUndefined();
});

it.each([
  ['another audience', answer({ aud: 'https://other.example/' }), 'invalid_grant'],
  ['another issuer', answer({ iss: 'mallory@chat' }), 'invalid_grant'],
  ['a time of issue to come', answer({ iat: now + 7200, exp: now + 10_800 }), 'invalid_grant'],
  ['a time that is over', answer({ iat: now - 7200, exp: now - 3600 }), 'invalid_grant'],
  ['too long a time', answer({ exp: now + 3601 }), 'invalid_grant'],
  ['no time', answer({ iat: undefined, exp: undefined }), 'invalid_grant'],
  ['another scope', answer({ scope: 'https://www.googleapis.com/auth/drive' }), 'invalid_scope'],
  ['another algorithm', answer({}, { alg: 'none' }), 'invalid_grant'],
  ['an unknown key', answer({}, { kid: 'key-2' }), 'invalid_grant'],
  ['another key than it says', answer({}, {}, stranger), 'invalid_grant'],
  ['another grant', answer({}, {}, parsed, 'saml2-bearer'), 'unsupported_grant_type'],
])('refuses %s', (_name, { status, error }, word) => {
  expect({ status, error }).toEqual({ status: 400, error: word });
});
