import { generateKeyPairSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { readPushServiceConfig } from './config.ts';
import { createFakeApnsKey, createFakeServiceAccount } from '@pushmesh/fakes';
import { temporaryFile } from '../testing/temporary-file.ts';

it('needs no variable at all', () => {
  expect(readPushServiceConfig({})).toMatchObject({ HTTP_HOST: '127.0.0.1', HTTP_PORT: 8080, providers: undefined });
});

it('refuses a topic that no header can carry', () => {
  expect(() => readPushServiceConfig({ SANDBOX_APNS_TOPIC: 'with space' })).toThrow('SANDBOX_APNS_TOPIC');
});

it.each(['http://localhost:1/token', 'oauth2.googleapis.com/token', 'https://oauth2.googleapis.com'])(
  'wants the whole URL of a token endpoint, not %s',
  (url) => {
    expect(() => readPushServiceConfig({ FCM_AUTH_ENDPOINT: url })).toThrow(/FCM_AUTH_ENDPOINT: .*the whole URL/);
  },
);

it.each([
  ['PUSH_FCM_APP_FILE', '/run/secrets/fcm.json', 'PUSH_FCM_ENABLED is not true'],
  ['PUSH_APNS_PROD_P8_TOKEN', '/run/secrets/apns.p8', 'PUSH_APNS_ENABLED is not true'],
  ['PUSH_APNS_DEV_KEY', '/run/secrets/apns.key.pem', 'PUSH_APNS_ENABLED is not true'],
  ['PUSH_WEBPUSH_VAPID_KEY', 'a secret', 'PUSH_WEBPUSH_ENABLED is not true'],
  ['PUSH_POOLS_FILE', '', 'is empty'],
])('does not start a sandbox if %s is set', (variable, value, why) => {
  const read = (more = {}) => readPushServiceConfig({ [variable]: value, ...more });
  expect(read).toThrow(new RegExp(`${variable}: .*${why}`));
  expect(read).not.toThrow('a secret');
  // With one provider enabled, others may be prepared.
  const vapid = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'pem' });
  const webPush = { PUSH_WEBPUSH_ENABLED: 'true', PUSH_WEBPUSH_SUBJECT: 'mailto:push@example.org' };
  expect(() => read({ ...webPush, PUSH_WEBPUSH_VAPID_KEY: vapid.toString() })).not.toThrow();
});

it('says which variables have no effect beside the others, and reveals none of their values', () => {
  const account = temporaryFile(
    'fcm.json',
    createFakeServiceAccount({ projectId: 'p', tokenUri: 'https://localhost/t' }).json,
  );
  const fcm = { PUSH_FCM_ENABLED: 'true', PUSH_FCM_APP_FILE: account, PUSH_FCM_POOL_SIZE: '9' };
  const others = {
    PUSH_APNS_PROD_P8_TOKEN: '/nowhere.p8',
    PUSH_APNS_DEV_KEY_ID: 'A_KEY_ID',
    PUSH_WEBPUSH_VAPID_KEY_FILE: temporaryFile('vapid.pem', 'nonsense'),
  };
  expect(readPushServiceConfig(fcm).unused).toEqual([]);
  const webPush = {
    variables: ['PUSH_WEBPUSH_VAPID_KEY'],
    why: 'PUSH_WEBPUSH_ENABLED is not true: set it to true, or remove them',
  };
  const apns = {
    variables: ['PUSH_APNS_DEV_KEY_ID', 'PUSH_APNS_PROD_P8_TOKEN'],
    why: 'PUSH_APNS_ENABLED is not true: set it to true, or remove them',
  };
  expect(readPushServiceConfig({ ...fcm, ...others }).unused).toEqual([apns, webPush]);

  const key = createFakeApnsKey();
  const token = {
    PUSH_APNS_ENABLED: 'true',
    PUSH_APNS_PROD_P8_TOKEN: temporaryFile('apns.p8', key.p8),
    PUSH_APNS_PROD_KEY_ID: key.keyId,
    PUSH_APNS_PROD_TEAM_ID: key.teamId,
  };
  expect(readPushServiceConfig({ ...token, PUSH_APNS_DEV_CERT: '/nowhere.pem' }).unused).toEqual([
    { variables: ['PUSH_APNS_DEV_CERT'], why: 'PUSH_APNS_AUTH_TYPE is token: set it to certificate, or remove them' },
  ]);

  const pools = {
    PUSH_POOLS_FILE: temporaryFile('pools.json', JSON.stringify({ fcm: [{ app_file: 'fcm.json' }] })),
    PUSH_FCM_PLATFORMS: 'apns',
    PUSH_FCM_POOL_SIZE: '5',
    FCM_AUTH_ENDPOINT: 'https://proxy.example/token',
  };
  const ofOnePool = {
    variables: ['PUSH_FCM_PLATFORMS', 'FCM_AUTH_ENDPOINT', ...apns.variables],
    why: 'PUSH_POOLS_FILE is set: move them to a pool in that file, or remove them',
  };
  expect(readPushServiceConfig({ ...pools, ...others }).unused).toEqual([ofOnePool, webPush]);
});

it.each([
  ['PUSH_FCM_ENABLE', 'PUSH_FCM_ENABLED'],
  ['PUSH_WEB_PUSH_ENABLED', 'PUSH_WEBPUSH_ENABLED'],
  ['PUSH_POOL_FILE', 'PUSH_POOLS_FILE'],
  ['PUSH_APNS_PROD_KEYFILE', 'PUSH_APNS_PROD_KEY'],
  ['PUSH_APNS_PROD_KEYID_FILE', 'PUSH_APNS_PROD_KEY_ID_FILE'],
  ['HTTP_BEARER_TOKEN', 'HTTP_BEARER_TOKENS'],
])('does not start a sandbox if there is %s, which is not known', (variable, meant) => {
  expect(() => readPushServiceConfig({ [variable]: 'true' })).toThrow(
    `${variable}: is unknown; did you mean ${meant}?`,
  );
});

it("ignores MongoosePush's variables that mean nothing here", () => {
  const values = { PUSH_HTTPS_ACCEPTORS: '100', PUSH_LOGLEVEL: 'info', PUSH_OPENAPI_EXPOSE_UI: 'true' };
  expect(() => readPushServiceConfig(values)).not.toThrow();
});
