import { rootCertificates } from 'node:tls';
import { expect, it } from 'vitest';
import { readDispatcherConfig } from './config.ts';

it('needs no variable at all', () => {
  expect(readDispatcherConfig({})).toMatchObject({ PUSH_API_URL: 'http://127.0.0.1:8080', certificate: undefined });
});

it.each([
  { PUSH_API_CERT: 'a certificate' },
  { PUSH_API_KEY: 'a key' },
  { PUSH_API_CERT: 'a certificate', PUSH_API_KEY: 'hunter2' },
])('refuses what is not a certificate with its key, and does not repeat it: %j', (env) => {
  expect(() => readDispatcherConfig(env)).toThrow(/PUSH_API_KEY: .* both in PEM(?!.*hunter2)/s);
});

it('refuses a token that no header can carry, and does not repeat it', () => {
  expect(() => readDispatcherConfig({ PUSH_API_TOKEN: 'hunter 2' })).toThrow(/PUSH_API_TOKEN(?!.*hunter)/s);
});

const [one = '', other = ''] = rootCertificates;

it.each([one, `${one}\n# another\n${other}`])('takes an authority, or several', (ca) => {
  expect(readDispatcherConfig({ PUSH_API_CA: ca }).PUSH_API_CA).toBe(ca);
});

it.each([
  'abc',
  one.slice(0, one.length / 2),
  `${one}\n-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----`,
  `${one}\n-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----`,
])('refuses an invalid authority, which Node would ignore: %#', (ca) => {
  expect(() => readDispatcherConfig({ PUSH_API_CA: ca })).toThrow(/PUSH_API_CA: must hold (?!.*hunter2).*_CA_FILE=/s);
});

it.each([
  ['https://user:hunter2@mongoosepush:8443', 'has credentials in it: .* PUSH_API_TOKEN_FILE'],
  ['mongoosepush:8443', 'has no scheme; expected an address that begins with http:// or https://'],
  ['http://:hunter2', 'has no host'],
  ['https://mongoosepush/push?token=hunter2', 'has more than host, port and path'],
])('refuses %s as the address of the push API', (url, why) => {
  expect(() => readDispatcherConfig({ PUSH_API_URL: url })).toThrow(new RegExp(`PUSH_API_URL: (?!.*hunter2).*${why}`));
});

it('reports every problem at once', () => {
  const read = () =>
    readDispatcherConfig({ PUSH_API_CA: 'abc', PUSH_API_KEY: 'k', CONCURRENCY: 'x', NATS_URL: 'x://y' });
  for (const variable of ['PUSH_API_CA', 'PUSH_API_KEY', 'CONCURRENCY', 'NATS_URL'])
    expect(read).toThrow(`${variable}: `);
});
