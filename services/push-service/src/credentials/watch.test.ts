import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createLog, createMetrics } from '@pushmesh/telemetry';
import { readPushServiceConfig } from '../config.ts';
import {
  createFakeApnsKey,
  createFakeAuthority,
  createFakeServiceAccount,
  startFakeApns,
  startFakeFcm,
} from '@pushmesh/fakes';
import type { ApnsDelivery, FakeApns } from '@pushmesh/fakes';
import { createCredentialWatch } from './watch.ts';
import { openProviders } from '../providers/open.ts';
import { patiently } from '../../testing/http2-peer.ts';
import { matchProvider } from '../push/match-provider.ts';
import { pushServiceMetrics } from '../metrics.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const authority = createFakeAuthority();
const temporary = () => mkdtempSync(join(tmpdir(), 'pushmesh-reload-'));

/** A folder like a secret that Kubernetes mounts: each file is a link through `..data`, which is swapped in one step. */
const secretFolder = (files: Readonly<Record<string, string>>) => {
  const folder = temporary();
  let version = 0;
  const replace = (next: Readonly<Record<string, string>>) => {
    const data = `..${(version += 1)}`;
    mkdirSync(join(folder, data));
    for (const [name, text] of Object.entries(next)) writeFileSync(join(folder, data, name), text);
    symlinkSync(data, join(folder, '..tmp'));
    renameSync(join(folder, '..tmp'), join(folder, '..data'));
    if (version > 1) rmSync(join(folder, `..${version - 1}`), { recursive: true });
  };
  replace(files);
  for (const name of Object.keys(files)) symlinkSync(join('..data', name), join(folder, name));
  return { path: (name: string) => join(folder, name), replace };
};

let delivered: ApnsDelivery[];
const startApns = async (keys = [createFakeApnsKey()]) => {
  delivered = [];
  const fake = await startFakeApns({ authority, keys, clock: Date.now, onDelivered: (each) => delivered.push(each) });
  cleanups.push(fake.stop);
  return fake;
};

const start = async (env: Record<string, string>) => {
  const config = readPushServiceConfig({ PUSH_CREDENTIALS_POLL_MS: '100', ...env });
  if (!config.providers) throw new Error('no providers');
  const registry = createMetrics('push-service');
  const lines: string[] = [];
  const log = createLog('push-service', 'trace', { write: (line: string) => void lines.push(line) });
  const metrics = registry.add(pushServiceMetrics);
  const { providers, pools, tryOut, resource } = openProviders(config.providers, { log, metrics, ca: authority.ca });
  const watch = createCredentialWatch({
    pools,
    tryOut,
    reread: config.rereadProviders,
    pollMs: config.providers.pollMs,
    log,
    metrics,
    clock: Date.now,
    random: Math.random,
  });
  await resource.start();
  await watch.resource.start();
  cleanups.push(resource.stop, watch.resource.stop);
  const push = async (service: 'apns' | 'fcm', device_id: string, tags: string[] = []) => {
    const alert = { title: 'juliet@capulet.example', body: 'Wherefore art thou?' };
    const notification = { service, device_id, mode: 'prod' as const, tags, alert };
    const answer = await matchProvider(providers, notification)?.push(notification);
    return answer?.category;
  };
  const metric = async (name: string, labels: Readonly<Record<string, string>> = {}) => {
    const text = await registry.registry.metrics();
    const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    const line = text
      .split('\n')
      .find((each) => each.startsWith(`${name}{`) && pairs.every((pair) => each.includes(pair)));
    return line === undefined ? undefined : Number(line.split(' ').at(-1));
  };
  const reloads = (pool: string, result: string) => metric('pushmesh_credential_reloads_total', { pool, result });
  return { push, metric, reloads, lines, missing: resource.missing };
};

type Running = Awaited<ReturnType<typeof start>>;

/** Pushes all the time, sometimes slowly; `stop` returns how the pushes ended. */
const underLoad = (service: 'apns' | 'fcm', { push }: Running) => {
  const ends: (string | undefined)[] = [];
  let going = true;
  let count = 0;
  const callers = Array.from({ length: 8 }, async () => {
    while (going) {
      await setTimeout(1);
      const id = (count += 1);
      ends.push(await push(service, id % 4 === 0 ? `slow.50.${id}` : `phone-${id}`));
    }
  });
  const stop = async () => {
    going = false;
    await Promise.all(callers);
    return new Set(ends);
  };
  cleanups.push(stop);
  return { ends, stop };
};

const apnsEnv = (fake: FakeApns) => ({
  PUSH_APNS_ENABLED: 'true',
  PUSH_APNS_PROD_TEAM_ID: 'FAKETEAM01',
  PUSH_APNS_PROD_DEFAULT_TOPIC: 'com.example.app',
  PUSH_APNS_PROD_ENDPOINT: `127.0.0.1:${fake.port}`,
});
const tokenEnv = (fake: FakeApns, secret: ReturnType<typeof secretFolder>) => ({
  ...apnsEnv(fake),
  PUSH_APNS_PROD_P8_TOKEN: secret.path('apns.p8'),
  PUSH_APNS_PROD_KEY_ID_FILE: secret.path('key-id'),
});
const filesOf = ({ p8, keyId }: ReturnType<typeof createFakeApnsKey>) => ({ 'apns.p8': p8, 'key-id': keyId });

describe('an APNs key', () => {
  const old = createFakeApnsKey('FAKEKEY001');
  const next = createFakeApnsKey('FAKEKEY002');

  it('can change on disk under load: no push is lost or answered wrongly', async () => {
    const fake = await startApns([old, next]);
    const secret = secretFolder(filesOf(old));
    const running = await start(tokenEnv(fake, secret));
    const load = underLoad('apns', running);
    await expect.poll(() => delivered.length, patiently).toBeGreaterThan(50);
    secret.replace(filesOf(next));
    await expect.poll(() => running.reloads('apns_prod', 'swapped'), patiently).toBe(1);
    fake.trust([next]);
    const before = delivered.length;
    await expect.poll(() => delivered.length, patiently).toBeGreaterThan(before + 50);
    expect(await load.stop()).toEqual(new Set(['ok']));
    expect(new Set(delivered.map(({ token }) => token)).size).toBe(delivered.length);
    expect(load.ends).toHaveLength(delivered.length);
  });

  it('that was revoked is answered `auth`, until there is another key on disk', async () => {
    const fake = await startApns([next]);
    const secret = secretFolder(filesOf(old));
    const running = await start(tokenEnv(fake, secret));
    expect(await running.push('apns', 'phone')).toBe('auth');
    const load = underLoad('apns', running);
    secret.replace(filesOf(next));
    await expect.poll(() => delivered.length, patiently).toBeGreaterThan(50);
    expect(await load.stop()).toEqual(new Set(['auth', 'ok']));
    expect(await running.push('apns', 'phone')).toBe('ok');
  });

  it.each([
    ['no key', { 'apns.p8': 'no key', 'key-id': 'FAKEKEY002' }, 'unreadable'],
    ['half a key', { 'apns.p8': next.p8.slice(0, 100), 'key-id': 'FAKEKEY002' }, 'unreadable'],
    ['a key that APNs does not know', filesOf(createFakeApnsKey('FAKEKEY003')), 'refused'],
    ['a key with the id of another key', { 'apns.p8': next.p8, 'key-id': 'FAKEKEY001' }, 'refused'],
  ])('is not replaced by %s, but by a good one after it', async (_name, wrong, result) => {
    const fake = await startApns([old, next]);
    const secret = secretFolder(filesOf(old));
    const running = await start(tokenEnv(fake, secret));
    const load = underLoad('apns', running);
    secret.replace(wrong);
    await expect.poll(() => running.reloads('apns_prod', result), patiently).toBe(1);
    const pool = 'apns_prod';
    expect(await running.metric('pushmesh_credentials_refused', { pool })).toBe(1);
    expect(running.lines.join()).not.toContain(wrong['apns.p8'].slice(30, 90) || 'no key');
    secret.replace(filesOf(next));
    await expect.poll(() => running.reloads(pool, 'swapped'), patiently).toBe(1);
    expect(await running.metric('pushmesh_credentials_refused', { pool })).toBe(0);
    expect(await load.stop()).toEqual(new Set(['ok']));
  });

  it('waits until APNs can be asked, if it is down', async () => {
    const fake = await startApns([old, next]);
    const secret = secretFolder(filesOf(old));
    const running = await start(tokenEnv(fake, secret));
    await fake.stop();
    secret.replace(filesOf(next));
    await expect.poll(() => running.reloads('apns_prod', 'undecided'), patiently).toBeGreaterThan(0);
    expect(await running.reloads('apns_prod', 'swapped')).toBeUndefined();
    await fake.restart();
    await expect.poll(() => running.reloads('apns_prod', 'swapped'), patiently).toBe(1);
  });
});

describe('a pools file', () => {
  const [mine, other] = [createFakeApnsKey('FAKEKEY001'), createFakeApnsKey('FAKEKEY002')];
  const folder = temporary();
  const path = join(folder, 'pools.json');
  const pool = ({ p8, keyId, teamId }: ReturnType<typeof createFakeApnsKey>, topic: string, port: number) => {
    writeFileSync(join(folder, `${keyId}.p8`), p8);
    const at = { mode: 'prod', endpoint: `127.0.0.1:${port}`, default_topic: topic };
    return { ...at, p8_token: `${keyId}.p8`, key_id: keyId, team_id: teamId };
  };

  it('reports once which of its changes wait for a restart', async () => {
    const fake = await startApns([mine, other]);
    const write = (pools: readonly object[]) => writeFileSync(path, JSON.stringify({ apns: pools }));
    const [first, second] = [
      { ...pool(mine, 'com.example.app', fake.port), name: 'first' },
      { ...pool(other, 'com.example.app', fake.port), name: 'second', tags: ['work'] },
    ];
    const gone = { ...second, name: 'gone' };
    write([first, second, gone]);
    const running = await start({ PUSH_POOLS_FILE: path });
    const told = () =>
      running.lines
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter(({ event }) => event === 'waits-for-restart');
    write([
      { ...second, pool_size: 9 },
      { ...first, name: 'new', default_topic: 'secret.topic' },
      { ...first, tags: ['home'] },
    ]);
    await expect.poll(told, patiently).toHaveLength(4);
    const looks = () => running.metric('pushmesh_credentials_read_timestamp_seconds');
    const before = await looks();
    await expect.poll(looks, patiently).toBeGreaterThan((before ?? 0) + 0.5);
    expect(told().map(({ pool: name, changed }) => ({ name, changed }))).toEqual([
      { name: 'first', changed: ['tags', 'place'] },
      { name: 'second', changed: ['pool_size', 'place'] },
      { name: 'gone', changed: ['gone'] },
      { name: 'new', changed: ['new'] },
    ]);
    expect(JSON.stringify(told())).not.toContain('secret.topic');
    write([first, first]);
    await expect.poll(() => running.lines.join(), patiently).toContain('has several pools called first');
    writeFileSync(path, '{');
    const refusals = () => running.lines.filter((line) => line.includes('credentials-refused'));
    await expect.poll(() => refusals().join(), patiently).toContain('is not JSON');
    expect(refusals().filter((line) => line.includes('is not JSON') && line.includes('configured no more'))).toEqual(
      [],
    );
  });

  it('reports nothing about unchanged pools of both services', async () => {
    const apns = await startApns([mine]);
    const fcm = await startFakeFcm({ certificate: authority.issue('fake FCM') });
    cleanups.push(fcm.stop);
    const account = createFakeServiceAccount({ projectId: 'chat', tokenUri: fcm.tokenUri });
    fcm.tokens.trust(account);
    writeFileSync(join(folder, 'fcm.json'), account.json);
    const pools = {
      apns: [pool(mine, 'com.example.app', apns.port)],
      fcm: [{ app_file: 'fcm.json', endpoint: new URL(fcm.origin).host }],
    };
    writeFileSync(path, JSON.stringify(pools));
    const { metric, lines } = await start({ PUSH_POOLS_FILE: path });
    const looks = () => metric('pushmesh_credentials_read_timestamp_seconds');
    await expect.poll(looks, patiently).toBeGreaterThan(0);
    await expect.poll(looks, patiently).toBeGreaterThan(((await looks()) ?? 0) + 0.5);
    expect(lines.join()).not.toContain('waits-for-restart');
  });

  it('gets a new key into use while all other changes of the pool wait for a restart', async () => {
    const fake = await startApns([mine, other]);
    const write = (entry: object) => writeFileSync(path, JSON.stringify({ apns: [entry] }));
    const first = { ...pool(mine, 'com.example.app', fake.port), tags: ['a', 'b'] };
    write(first);
    const running = await start({ PUSH_POOLS_FILE: path });
    const planned = { name: 'apns_prod', mode: 'dev', tags: ['c'], endpoint: 'localhost:1', default_topic: 'planned' };
    write({ ...first, ...planned });
    await expect.poll(() => running.lines.join(), patiently).toContain('waits-for-restart');
    write({ ...pool(other, 'com.example.app', fake.port), ...planned });
    await expect.poll(() => running.reloads('apns_prod', 'swapped'), patiently).toBe(1);
    expect(running.lines.join()).not.toContain('credentials-refused');
    expect(running.lines.join()).toContain('"changed":["tags","endpoint","mode","default_topic"]');
    expect(await running.push('apns', 'phone', ['b'])).toBe('ok');
    expect(delivered.at(-1)).toMatchObject({ headers: { 'apns-topic': 'com.example.app' } });
    // The order of tags does not count.
    const told = () => running.lines.filter((line) => line.includes('waits-for-restart'));
    write({ ...pool(other, 'com.example.app', fake.port), tags: ['b', 'a'], pool_size: 9 });
    await expect.poll(told, patiently).toHaveLength(2);
    expect(told().at(-1)).toContain('"changed":["pool_size"]');
  });

  it('never gives a pool the app of another team', async () => {
    const theirs = createFakeApnsKey('FAKEKEY003', 'FAKETEAM02');
    const fake = await startApns([mine, theirs]);
    const write = (pools: readonly object[]) => writeFileSync(path, JSON.stringify({ apns: pools }));
    const first = pool(mine, 'com.example.app', fake.port);
    write([first]);
    const running = await start({ PUSH_POOLS_FILE: path });
    write([pool(theirs, 'com.example.other', fake.port), { ...first, name: 'first' }]);
    await expect.poll(() => running.lines.join(), patiently).toContain('restart to change it');
    expect(running.lines.join()).toContain('the team is FAKETEAM02, that of the pool FAKETEAM01');
    expect(await running.reloads('apns_prod', 'swapped')).toBeUndefined();
    expect(await running.push('apns', 'phone')).toBe('ok');
    // Back to the old state: nothing is refused any more.
    write([first]);
    const refused = () => running.metric('pushmesh_credentials_refused', { pool: 'apns_prod' });
    await expect.poll(refused, patiently).toBe(0);
  });
});

it('a certificate pushes to the topic that it names, and is replaced only by one for the same topic', async () => {
  const fake = await startApns();
  const secret = secretFolder(authority.issueForApns('com.example.app'));
  const running = await start({
    PUSH_APNS_ENABLED: 'true',
    PUSH_APNS_PROD_ENDPOINT: `127.0.0.1:${fake.port}`,
    PUSH_APNS_AUTH_TYPE: 'certificate',
    PUSH_APNS_PROD_CERT: secret.path('cert'),
    PUSH_APNS_PROD_KEY: secret.path('key'),
  });
  expect(await running.push('apns', 'phone')).toBe('ok');
  secret.replace(authority.issue('no topic', []));
  await expect.poll(() => running.lines.join(), patiently).toContain('PUSH_APNS_PROD_DEFAULT_TOPIC: is not set');
  expect(running.lines.join()).not.toContain('waits-for-restart');
  secret.replace(authority.issueForApns('com.example.other'));
  await expect.poll(() => running.lines.join(), patiently).toContain('restart to change it');
  expect(await running.reloads('apns_prod', 'swapped')).toBeUndefined();
  secret.replace(authority.issueForApns('com.example.renewed', ['com.example.app']));
  await expect.poll(() => running.reloads('apns_prod', 'swapped'), patiently).toBe(1);
  expect(await running.push('apns', 'phone')).toBe('ok');
  expect(delivered.map(({ headers }) => headers['apns-topic'])).toEqual(['com.example.app', 'com.example.app']);
});

it('a certificate and its key can change one after the other under load, and its expiry is in the metrics', async () => {
  const fake = await startApns();
  const old = authority.issue('com.example.app', []);
  const next = authority.issue('com.example.app', []);
  const folder = temporary();
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  writeFileSync(cert, old.cert);
  writeFileSync(key, old.key);
  const running = await start({
    ...apnsEnv(fake),
    PUSH_APNS_AUTH_TYPE: 'certificate',
    PUSH_APNS_PROD_CERT: cert,
    PUSH_APNS_PROD_KEY: key,
  });
  const pool = 'apns_prod';
  expect(await running.metric('pushmesh_apns_certificate_expiry_timestamp_seconds', { pool })).toBe(
    Date.UTC(9999, 11, 31, 23, 59, 59) / 1000,
  );
  const load = underLoad('apns', running);
  await expect.poll(() => delivered.length, patiently).toBeGreaterThan(20);
  writeFileSync(cert, next.cert);
  await expect.poll(() => running.reloads(pool, 'unreadable'), patiently).toBe(1);
  writeFileSync(key, next.key);
  await expect.poll(() => running.reloads(pool, 'swapped'), patiently).toBe(1);
  const before = delivered.length;
  await expect.poll(() => delivered.length, patiently).toBeGreaterThan(before + 20);
  expect(await load.stop()).toEqual(new Set(['ok']));
  expect(load.ends).toHaveLength(delivered.length);
  expect(
    await running.metric('pushmesh_provider_connection_changes_total', { pool, change: 'retired' }),
  ).toBeGreaterThan(0);
});

it('a service account can change on disk under load, but not to one of another project', async () => {
  const fake = await startFakeFcm({ certificate: authority.issue('fake FCM') });
  cleanups.push(fake.stop);
  const account = (privateKeyId: string, projectId = 'chat') => {
    const made = createFakeServiceAccount({ projectId, tokenUri: fake.tokenUri, privateKeyId });
    fake.tokens.trust(made);
    return { 'fcm.json': made.json };
  };
  const secret = secretFolder(account('key-1'));
  const { hostname, port } = new URL(fake.origin);
  const running = await start({
    PUSH_FCM_ENABLED: 'true',
    PUSH_FCM_APP_FILE: secret.path('fcm.json'),
    PUSH_FCM_ENDPOINT: hostname,
    PUSH_FCM_PORT: port,
  });
  const load = underLoad('fcm', running);
  const pool = 'fcm';
  secret.replace(account('other', 'another-project'));
  await expect.poll(() => running.reloads(pool, 'unreadable'), patiently).toBe(1);
  secret.replace(account('key-2'));
  await expect.poll(() => running.reloads(pool, 'swapped'), patiently).toBe(1);
  fake.tokens.deleteKey('key-1');
  await expect
    .poll(() => running.metric('pushmesh_fcm_token_renewals_total', { pool, result: 'token' }), patiently)
    .toBe(2);
  expect(await load.stop()).toEqual(new Set(['ok']));
  expect(await running.metric('pushmesh_fcm_quota_used_total', { pool })).toBe(load.ends.length);
  expect(await running.metric('pushmesh_fcm_quota_per_minute', { pool })).toBe(600_000);
});
