import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import { createServer as createPlainServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { readPushServiceConfig } from './config.ts';
import {
  createFakeApnsKey,
  createFakeAuthority,
  createFakeServiceAccount,
  startFakeApns,
  startFakeFcm,
} from '@pushmesh/fakes';
import type { ApnsDelivery, FakeApnsOptions, FcmDelivery } from '@pushmesh/fakes';
import { checkCredentials } from './credentials/check.ts';
import { createRuntime } from './providers/open.ts';
import { temporaryFile } from '../testing/temporary-file.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const authority = createFakeAuthority();
const key = createFakeApnsKey();
const minute = 60_000;

const delivered: (ApnsDelivery | FcmDelivery)[] = [];

/** Fakes of both, and variables with the right credentials for them. */
const start = async (options: Partial<FakeApnsOptions> = {}) => {
  const onDelivered = (delivery: ApnsDelivery | FcmDelivery) => void delivered.push(delivery);
  const apns = await startFakeApns({
    authority,
    keys: [key],
    topics: ['com.example.app'],
    clock: Date.now,
    onDelivered,
    ...options,
  });
  const fcm = await startFakeFcm({ certificate: authority.issue('fake FCM'), onDelivered });
  cleanups.push(apns.stop, fcm.stop);
  const account = createFakeServiceAccount({ projectId: 'chat-example', tokenUri: fcm.tokenUri });
  fcm.tokens.trust(account);
  const { hostname, port } = new URL(fcm.origin);
  const env: Record<string, string> = {
    PUSH_FCM_ENABLED: 'true',
    PUSH_FCM_APP_FILE: temporaryFile('fcm.json', account.json),
    PUSH_FCM_ENDPOINT: hostname,
    PUSH_FCM_PORT: port,
    PUSH_APNS_ENABLED: 'true',
    PUSH_APNS_PROD_P8_TOKEN: temporaryFile('apns.p8', key.p8),
    PUSH_APNS_PROD_KEY_ID: key.keyId,
    PUSH_APNS_PROD_TEAM_ID: key.teamId,
    PUSH_APNS_PROD_DEFAULT_TOPIC: 'com.example.app',
    PUSH_APNS_PROD_ENDPOINT: `localhost:${apns.port}`,
  };
  return { apns, fcm, env };
};

const check = async (env: Record<string, string>, { offBy = 0, ca = authority.ca } = {}) => {
  const { providers } = readPushServiceConfig(env);
  if (!providers) throw new Error('no providers');
  const clock = () => Date.now() + offBy;
  const { tryOut } = createRuntime({ verify: true, ca, timeoutMs: 10_000, clock });
  const { ok, text } = await checkCredentials({ settings: providers, tryOut, clock });
  return { ok, text, found: [...text.matchAll(/^ {7}(\w+): /gm)].map(([, finding]) => finding) };
};

it('finds valid credentials fine, and sends nothing to any device', async () => {
  const { env } = await start();
  expect(await check(env)).toMatchObject({ ok: true, found: ['fine', 'fine'] });
  expect(delivered).toEqual([]);
});

const apnsEnv = (more: Record<string, string>) => ({ ...more, PUSH_FCM_ENABLED: 'false' });

it.each([
  ['a key that APNs does not know', { PUSH_APNS_PROD_KEY_ID: 'OTHERKEY01' }, 'key_refused'],
  ['another team', { PUSH_APNS_PROD_TEAM_ID: 'OTHERTEAM1' }, 'key_refused'],
  ['another topic', { PUSH_APNS_PROD_DEFAULT_TOPIC: 'org.example.other' }, 'topic_refused'],
  ['a host that does not exist', { PUSH_APNS_PROD_ENDPOINT: 'apns.invalid' }, 'name_unknown'],
  ['a port where nothing listens', { PUSH_APNS_PROD_ENDPOINT: 'localhost:1' }, 'unreachable'],
])('finds %s', async (_what, more, finding) => {
  const { env } = await start();
  expect(await check(apnsEnv({ ...env, ...more }))).toMatchObject({ ok: false, found: [finding] });
});

it('finds that there is no topic, which is not a fault of the credentials', async () => {
  const { env } = await start();
  delete env['PUSH_APNS_PROD_DEFAULT_TOPIC'];
  expect(await check(apnsEnv(env))).toMatchObject({ ok: true, found: ['topic_missing'] });
});

it.each([
  ['BadEnvironmentKeyInToken', 'key_of_other_environment'],
  ['BadCertificateEnvironment', 'certificate_of_other_environment'],
  ['ServiceUnavailable', 'provider_out'],
  ['TooManyRequests', 'throttled'],
  ['SomethingNew', 'unexpected'],
])('has a finding for the APNs reason %s', async (reason, finding) => {
  const { env, apns } = await start();
  apns.script(() => ({ type: 'answer', status: 403, body: JSON.stringify({ reason }) }));
  expect(await check(apnsEnv(env))).toMatchObject({ ok: false, found: [finding] });
});

it.each([
  ['good', authority, ['fine'], 'the certificate expires on 9999-12-31'],
  ['that Apple did not issue', createFakeAuthority(), ['certificate_refused'], 'the certificate expires'],
])('checks a certificate %s', async (_what, issuer, found, words) => {
  const { env } = await start();
  const { cert, key: privateKey } = issuer.issueForApns('com.example.app');
  const certificate = {
    PUSH_APNS_AUTH_TYPE: 'certificate',
    PUSH_APNS_PROD_CERT: temporaryFile('cert.pem', cert),
    PUSH_APNS_PROD_KEY: temporaryFile('key.pem', privateKey),
  };
  delete env['PUSH_APNS_PROD_DEFAULT_TOPIC'];
  const checked = await check(apnsEnv({ ...env, ...certificate }));
  expect(checked.found).toEqual(found);
  expect(checked.text).toContain(words);
  expect(checked.text).toContain('topic com.example.app at');
  const late = await check(apnsEnv({ ...env, ...certificate }), {
    offBy: Date.UTC(9999, 11, 31, 23, 59, 59) - Date.now() + minute,
  });
  expect(late).toMatchObject({ ok: false, found: ['certificate_expired'] });
  expect(late.text).toContain('the certificate expired on 9999-12-31');
});

it.each([
  [-121, 'the clock of this machine is 7260 s behind that of the provider of fcm'],
  [121, 'the clock of this machine is 7260 s ahead of that of the provider of fcm'],
])(
  'finds by the clock of Google that ours is %i minutes off, which FCM tolerates and APNs does not',
  async (minutes, words) => {
    const { env } = await start();
    const checked = await check(env, { offBy: minutes * minute });
    expect(checked).toMatchObject({ ok: false, found: ['fine_with_clock_off', 'clock_off'] });
    expect(checked.text).toMatch(new RegExp(words.replace('7260', '72(5|6)\\d')));
  },
);

it('finds a clock that is a little off, although all tolerate it', async () => {
  const { env } = await start();
  expect(await check(env, { offBy: -2 * minute })).toMatchObject({
    ok: true,
    found: ['fine_with_clock_off', 'fine_with_clock_off'],
  });
});

it('finds that the host is unknown', async () => {
  const { env } = await start();
  expect(await check(env, { ca: createFakeAuthority().ca })).toMatchObject({
    ok: false,
    found: ['stranger', 'stranger'],
  });
});

it.each([
  ['a deleted key', 'account_key_refused', ({ fcm }) => fcm.tokens.deleteKey('key-1')],
  [
    'an account without rights',
    'account_refused',
    ({ fcm }) => fcm.playTokenFault({ answer: 'refused', error: 'access_denied' }),
  ],
  ['a token endpoint that is down', 'provider_out', ({ fcm }) => fcm.playTokenFault({ answer: 'unavailable' })],
  ['a token endpoint that hangs up', 'unreachable', ({ fcm }) => fcm.playTokenFault({ answer: 'reset' })],
  [
    'an access token that FCM does not accept',
    'access_token_refused',
    ({ fcm }) => fcm.playFault({ answer: 'word.UNAUTHENTICATED' }),
  ],
  ['a quota', 'throttled', ({ fcm }) => fcm.playFault({ answer: 'throttled' })],
] satisfies [string, string, (started: Awaited<ReturnType<typeof start>>) => void][])(
  'finds %s of FCM',
  async (_what, finding, arrange) => {
    const started = await start();
    arrange(started);
    const { found } = await check({ ...started.env, PUSH_APNS_ENABLED: 'false' });
    expect(found).toEqual([finding]);
  },
);

const page = '<!DOCTYPE html><title>Sign in to the network</title>';

it.each([
  [200, page],
  [200, '{"access_token":7}'],
  [200, page.repeat(2_000)],
  [403, page],
  [302, ''],
])('finds that something else answered %i in place of the token endpoint', async (status, body) => {
  const proxy = createServer(authority.issue('proxy'), (_request, response) => response.writeHead(status).end(body));
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  cleanups.push(() => proxy.close());
  const { env } = await start();
  const tokenEndpoint = `https://localhost:${(proxy.address() as AddressInfo).port}/token`;
  const onlyFcm = { ...env, PUSH_APNS_ENABLED: 'false', FCM_AUTH_ENDPOINT: tokenEndpoint };
  const { found, text } = await check(onlyFcm, { offBy: -2 * minute });
  expect(found).toEqual(['foreign_answer']);
  // Its clock is not Google's.
  expect(text).toContain('no provider told us its time');
});

it('names the token endpoint if that is what failed', async () => {
  const { env } = await start();
  const onlyFcm = { ...env, PUSH_APNS_ENABLED: 'false' };
  const { found, text } = await check({ ...onlyFcm, FCM_AUTH_ENDPOINT: 'https://localhost:1/token' });
  expect(found).toEqual(['unreachable']);
  expect(text).toContain('at the token endpoint https://localhost:1/token');
  const atFcm = await check({ ...onlyFcm, PUSH_FCM_PORT: '1' });
  expect(atFcm.found).toEqual(['unreachable']);
  expect(atFcm.text).not.toContain('token endpoint');
});

it.each([200, 401, 403, 404])(
  'reports that a proxy answered in place of APNs and FCM, with a page and %i',
  async (status) => {
    const { env, apns, fcm } = await start();
    apns.script(() => ({ type: 'answer', status, body: page }));
    fcm.playFault({ answer: `html.${status}` });
    expect((await check(env)).found).toEqual(['foreign_answer', 'foreign_answer']);
  },
);

it('finds that the other side does not speak TLS', async () => {
  const proxy = createPlainServer((socket) => socket.end(`HTTP/1.0 403 Forbidden\r\n\r\n${page}`));
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  cleanups.push(() => proxy.close());
  const { port } = proxy.address() as AddressInfo;
  const { env } = await start();
  const answered = {
    PUSH_APNS_PROD_ENDPOINT: `localhost:${port}`,
    FCM_AUTH_ENDPOINT: `https://localhost:${port}/token`,
  };
  expect((await check({ ...env, ...answered })).found).toEqual(['foreign_answer', 'foreign_answer']);
});

it('does not wait for a token endpoint that switches from HTTP to another protocol', async () => {
  const upgrade = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n';
  const odd = createTlsServer(authority.issue('odd'), (socket) =>
    socket.on('error', () => {}).once('data', () => socket.write(upgrade)),
  );
  await once(odd.listen(0, '127.0.0.1'), 'listening');
  cleanups.push(() => odd.close());
  const { env } = await start();
  const tokenEndpoint = `https://localhost:${(odd.address() as AddressInfo).port}/token`;
  const { found } = await check({ ...env, PUSH_APNS_ENABLED: 'false', FCM_AUTH_ENDPOINT: tokenEndpoint });
  expect(found).toEqual(['unreachable']);
});

it('finds a service account of another project', async () => {
  const { env, fcm } = await start();
  const account = createFakeServiceAccount({
    projectId: 'chat-example',
    tokenUri: fcm.tokenUri,
    privateKeyId: 'key-2',
  });
  fcm.tokens.trust({ ...account, projectId: 'another' });
  const found = await check({
    ...env,
    PUSH_APNS_ENABLED: 'false',
    PUSH_FCM_APP_FILE: temporaryFile('other.json', account.json),
  });
  expect(found).toMatchObject({ ok: false, found: ['sending_forbidden'] });
});

it('says about Web Push what can be said without sending anything, and learns the time from other providers', async () => {
  const vapid = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'pem' });
  const webPush = {
    PUSH_WEBPUSH_ENABLED: 'true',
    PUSH_WEBPUSH_VAPID_KEY: vapid.toString(),
    PUSH_WEBPUSH_SUBJECT: 'mailto:push@example.org',
  };
  const alone = await check(webPush);
  expect(alone).toMatchObject({ ok: true, found: ['vapid_fine'] });
  expect(alone.text).toContain('no push service is asked');
  expect(alone.text).toContain('no provider told us its time');
  const { env } = await start();
  const withFcm = { ...webPush, ...env, PUSH_APNS_ENABLED: 'false' };
  const off = (hours: number) => check(withFcm, { offBy: hours * 60 * minute });
  expect((await off(11)).found).toEqual(['fine_with_clock_off', 'vapid_fine']);
  expect((await off(-13)).found).toEqual(['fine_with_clock_off', 'clock_off']);
});

const command = (env: Record<string, string>): Promise<{ code: unknown; output: string }> =>
  new Promise((resolve) => {
    const script = fileURLToPath(new URL('check.ts', import.meta.url));
    execFile(process.execPath, [script], { env: { ...process.env, ...env } }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, output: stdout + stderr }),
    );
  });

it('is a command whose exit code gives the result', async () => {
  const { env } = await start();
  const trusting = { ...env, NODE_EXTRA_CA_CERTS: temporaryFile('ca.pem', authority.ca) };
  expect(await command(trusting)).toMatchObject({
    code: 0,
    output: expect.stringContaining('ok     apns_prod') as string,
  });
  const wrong = await command({ ...trusting, PUSH_APNS_PROD_TEAM_ID: 'OTHERTEAM1' });
  expect(wrong).toMatchObject({ code: 1, output: expect.stringContaining('NOT OK apns_prod') as string });
  const misconfigured = await command({ ...trusting, PUSH_APNS_PROD_TEAM_ID: '' });
  expect(misconfigured.code).toBe(1);
  expect(misconfigured.output).toContain('PUSH_APNS_PROD_TEAM_ID: is not set');
  expect((await command({})).output).toContain('nothing to check');
});
