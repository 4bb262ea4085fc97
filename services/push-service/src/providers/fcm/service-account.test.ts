import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { createFakeServiceAccount } from '@pushmesh/fakes';
import { parseServiceAccount } from './service-account.ts';

const { json } = createFakeServiceAccount({ projectId: 'chat-1', tokenUri: 'https://oauth2.example/token' });
const given = JSON.parse(json) as Record<string, string>;
const without = (...names: string[]) =>
  JSON.stringify(Object.fromEntries(Object.entries(given).filter(([name]) => !names.includes(name))));
const having = (more: object) => JSON.stringify({ ...given, ...more });
const ecKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
const secret = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC';

it('reads a key file', () => {
  const parsed = parseServiceAccount(json);
  expect(parsed).toMatchObject({
    ok: true,
    account: { projectId: 'chat-1', privateKeyId: 'key-1', tokenUri: 'https://oauth2.example/token' },
  });
  expect(inspect(parsed, { depth: 9 }) + JSON.stringify(parsed)).not.toContain('PRIVATE KEY');
});

it.each([
  ['not JSON', `{"private_key":"${secret}`, 'it is not a JSON object'],
  ['a list', '[]', 'it is not a JSON object'],
  ['another kind of credential', having({ type: 'authorized_user' }), 'its "type" is not "service_account"'],
  ['missing fields', without('project_id', 'private_key'), 'it lacks "project_id", "private_key"'],
  ['a field that is not a string', having({ client_email: 7 }), 'it lacks "client_email"'],
  ['a project that is a path', having({ project_id: 'a/b' }), 'its "project_id" is not one'],
  ['a token endpoint without TLS', having({ token_uri: 'http://oauth2.example/' }), 'its "token_uri" is not an https'],
  [
    'a broken key',
    having({ private_key: `-----BEGIN PRIVATE KEY-----\n${secret}` }),
    'its "private_key" is not an RSA',
  ],
  ['a key of another kind', having({ private_key: ecKey }), 'its "private_key" is not an RSA key in PEM'],
])('says what is wrong: %s', (_name, text, problem) => {
  const parsed = parseServiceAccount(text);
  expect(parsed).toEqual({ ok: false, problem: expect.stringContaining(problem) as string });
  expect(JSON.stringify(parsed)).not.toContain(secret);
});
