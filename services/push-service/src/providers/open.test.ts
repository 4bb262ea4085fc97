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
import type { ApnsDelivery, FcmDelivery } from '@pushmesh/fakes';
import { createCredentialAlerts } from '../credentials/alerts.ts';
import { openProviders, poolsOf } from './open.ts';
import { createPushService } from '../api/server.ts';
import { pushServiceMetrics } from '../metrics.ts';
import { temporaryFile } from '../../testing/temporary-file.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

describe('push-service with the credentials of both providers, against fakes of them', () => {
  it("is configured by MongoosePush's own variables, and pushes", async () => {
    const authority = createFakeAuthority();
    const key = createFakeApnsKey();
    const toApns: ApnsDelivery[] = [];
    const apns = await startFakeApns({
      authority,
      keys: [key],
      clock: Date.now,
      onDelivered: (each) => toApns.push(each),
    });
    cleanups.push(apns.stop);
    const toFcm: FcmDelivery[] = [];
    const fcm = await startFakeFcm({
      certificate: authority.issue('fake FCM'),
      onDelivered: (each) => toFcm.push(each),
    });
    cleanups.push(fcm.stop);
    const account = createFakeServiceAccount({ projectId: 'chat-example', tokenUri: fcm.tokenUri });
    fcm.tokens.trust(account);

    const { hostname, port } = new URL(fcm.origin);
    const config = readPushServiceConfig({
      PUSH_FCM_ENABLED: 'true',
      PUSH_FCM_APP_FILE: temporaryFile('fcm.json', account.json),
      PUSH_FCM_ENDPOINT: hostname,
      PUSH_FCM_PORT: port,
      PUSH_APNS_ENABLED: 'true',
      PUSH_APNS_PROD_P8_TOKEN: temporaryFile('apns.p8', key.p8),
      PUSH_APNS_PROD_KEY_ID: key.keyId,
      PUSH_APNS_PROD_TEAM_ID: key.teamId,
      PUSH_APNS_PROD_DEFAULT_TOPIC: 'com.example.app',
      PUSH_APNS_PROD_ENDPOINT: new URL(apns.origin).host,
    });
    if (!config.providers) throw new Error('no providers');
    const log = createLog('push-service', 'silent');
    const metrics = createMetrics('push-service').add(pushServiceMetrics);
    const real = openProviders(config.providers, { log, metrics, ca: authority.ca });
    await real.resource.start();
    cleanups.push(real.resource.stop);
    const service = createPushService({
      http: { host: '127.0.0.1', port: 0, bearerTokens: [], maxConnections: 100, exposeSpec: false },
      providers: real.providers,
      alerts: createCredentialAlerts({ log, uptime: () => performance.now() }),
      log,
      metrics,
      clock: Date.now,
    });
    await service.resource.start();
    cleanups.push(service.resource.drain);
    const push = async (token: string, body: object) => {
      const response = await fetch(`${service.address()}/v3/notification/${token}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return [response.status, await response.text()];
    };

    const alert = { title: 'bob@example.org', body: 'Hello' };
    expect(await push('phone', { service: 'fcm', alert })).toEqual([200, 'null']);
    expect(await push('phone', { service: 'fcm', alert, mode: 'dev' })).toEqual([200, 'null']);
    expect(await push('phone', { service: 'apns', alert })).toEqual([200, 'null']);
    expect(await push('phone', { service: 'apns', alert, mode: 'dev' })).toEqual([
      400,
      '{"reason":"no_matching_pool"}',
    ]);
    expect(await push('unregistered.phone', { service: 'apns', alert })).toEqual([410, '{"reason":"unregistered"}']);
    expect(await push('unregistered.phone', { service: 'fcm', alert })).toEqual([410, '{"reason":"unregistered"}']);
    expect([toFcm.length, toApns.length]).toEqual([2, 1]);
    expect(real.resource.missing()).toBeUndefined();
  });
});

describe('the configuration of the providers', () => {
  const problemsOf = (env: Record<string, string>): string => {
    try {
      readPushServiceConfig(env);
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };

  it('reports everything that is missing at once', () => {
    const text = problemsOf({ PUSH_FCM_ENABLED: 'true', PUSH_APNS_ENABLED: 'true' });
    expect(text).toContain('PUSH_FCM_APP_FILE: is not set, though PUSH_FCM_ENABLED is true');
    expect(text).toContain('PUSH_APNS_ENABLED: is true, but neither mode has credentials');
  });

  it('says which kind of APNs credentials is set if it is not the configured one', () => {
    const certificate = { PUSH_APNS_ENABLED: 'true', PUSH_APNS_PROD_CERT: '/cert.pem', PUSH_APNS_PROD_KEY: '/key.pem' };
    const text = problemsOf(certificate);
    expect(text).toContain(
      'PUSH_APNS_AUTH_TYPE: is token, but the variables set are PUSH_APNS_PROD_CERT, PUSH_APNS_PROD_KEY',
    );
    expect(text).not.toContain('P8_TOKEN');
    const token = { PUSH_APNS_ENABLED: 'true', PUSH_APNS_AUTH_TYPE: 'certificate', PUSH_APNS_DEV_P8_TOKEN: '/key.p8' };
    expect(problemsOf(token)).toContain(
      'PUSH_APNS_AUTH_TYPE: is certificate, but the variables set are PUSH_APNS_DEV_P8_TOKEN',
    );
  });

  it('names the variable of anything that cannot be used, and reveals nothing of its content', () => {
    const secret = temporaryFile('secret', 'not-a-key-but-secret');
    const text = problemsOf({
      PUSH_FCM_ENABLED: 'true',
      PUSH_FCM_APP_FILE: secret,
      PUSH_APNS_ENABLED: 'true',
      PUSH_APNS_DEV_P8_TOKEN: secret,
      PUSH_APNS_DEV_KEY_ID: 'A',
      PUSH_APNS_DEV_TEAM_ID: 'B',
      PUSH_APNS_PROD_P8_TOKEN: `${secret}-missing`,
      PUSH_APNS_PROD_KEY_ID: 'A',
    });
    expect(text).toContain('PUSH_FCM_APP_FILE: ');
    expect(text).toContain('PUSH_APNS_DEV_P8_TOKEN: holds no private key');
    expect(text).toMatch(/PUSH_APNS_PROD_P8_TOKEN: cannot read .* \(ENOENT\)/);
    expect(text).toContain('PUSH_APNS_PROD_TEAM_ID: is not set');
    expect(text).not.toContain('not-a-key-but-secret');
  });

  it('reveals nothing of credentials that are given in place of their path', () => {
    const { p8 } = createFakeApnsKey();
    const enabled = { PUSH_FCM_ENABLED: 'true', PUSH_APNS_ENABLED: 'true', PUSH_APNS_PROD_KEY_ID: 'A' };
    const given = { ...enabled, PUSH_FCM_APP_FILE_FILE: temporaryFile('fcm.json', '{"private_key":"…"}') };
    const pools = { apns: [{ mode: 'prod', p8_token: p8, key_id: 'A', team_id: 'B' }] };
    for (const [env, variable] of [
      [given, 'PUSH_FCM_APP_FILE'],
      [{ ...enabled, PUSH_APNS_PROD_P8_TOKEN: p8, PUSH_APNS_PROD_TEAM_ID: 'B' }, 'PUSH_APNS_PROD_P8_TOKEN'],
      [{ PUSH_POOLS_FILE: temporaryFile('pools.json', JSON.stringify(pools)) }, 'PUSH_POOLS_FILE /apns/0/p8_token'],
      [{ PUSH_POOLS_FILE: JSON.stringify(pools) }, 'PUSH_POOLS_FILE'],
      [{ PUSH_HTTPS_CERTFILE: p8, PUSH_HTTPS_KEYFILE: p8 }, 'PUSH_HTTPS_KEYFILE'],
      [{ HTTP_BEARER_TOKENS_FILE: p8 }, 'HTTP_BEARER_TOKENS_FILE'],
    ] as const) {
      const text = problemsOf(env);
      expect(text).toContain(`${variable}: holds the credentials themselves`);
      expect(text).not.toContain('private_key');
      expect(text).not.toContain(p8.slice(30, 60));
    }
  });

  it('demands a topic for a certificate that names none', () => {
    const { cert, key } = createFakeAuthority().issue('no topic', []);
    const [certFile, keyFile] = [temporaryFile('cert.pem', cert), temporaryFile('key.pem', key)];
    const text = problemsOf({
      PUSH_APNS_ENABLED: 'true',
      PUSH_APNS_AUTH_TYPE: 'certificate',
      PUSH_APNS_DEV_CERT: certFile,
      PUSH_APNS_DEV_KEY: keyFile,
      PUSH_APNS_PROD_CERT: certFile,
      PUSH_APNS_PROD_KEY: keyFile,
      PUSH_APNS_PROD_DEFAULT_TOPIC: 'com.example.app',
    });
    expect(text).toContain(
      'PUSH_APNS_DEV_DEFAULT_TOPIC: is not set, and the certificate of PUSH_APNS_DEV_CERT names no topic',
    );
    expect(text).not.toContain('PUSH_APNS_PROD');
    const pools = { apns: [{ mode: 'prod', cert: certFile, key: keyFile }] };
    expect(problemsOf({ PUSH_POOLS_FILE: temporaryFile('pools.json', JSON.stringify(pools)) })).toContain(
      'PUSH_POOLS_FILE /apns/0/default_topic: is not set, and the certificate of PUSH_POOLS_FILE /apns/0/cert names no',
    );
  });

  it('names the place in the pools file for all of its problems at once', () => {
    const pools = temporaryFile(
      'pools.json',
      JSON.stringify({
        fcm: [{ tags: ['a'], app_file: 'missing.json' }, { app_fil: 'x' }, { app_file: 'x', pool_size: 0 }],
        apns: [{ mode: 'staging' }, { mode: 'prod', p8_token: 'x', key_id: 'A' }, 'x'],
        web: [],
      }),
    );
    const text = problemsOf({ PUSH_POOLS_FILE: pools, PUSH_FCM_ENABLED: 'true' });
    expect(text).toContain('PUSH_FCM_ENABLED: is true, but PUSH_POOLS_FILE is set too');
    expect(text).toContain('PUSH_POOLS_FILE /web: is not known');
    expect(text).toContain('PUSH_POOLS_FILE /fcm/1: lacks app_file');
    expect(text).toContain('PUSH_POOLS_FILE /fcm/1/app_fil: is not known');
    expect(text).toContain('PUSH_POOLS_FILE /fcm/2/pool_size: must be >= 1');
    expect(text).toContain('PUSH_POOLS_FILE /apns/0/mode: expected one of prod, dev');
    for (const index of [0, 1])
      expect(text).toContain(`PUSH_POOLS_FILE /apns/${index}: expected either p8_token, key_id and team_id, or cert`);
  });

  it('names the place in the pools file of files that cannot be used', () => {
    const secret = temporaryFile('secret', 'not-a-key-but-secret');
    const pools = temporaryFile(
      'pools.json',
      JSON.stringify({
        fcm: [{ app_file: 'missing.json' }, { name: 'fcm', app_file: secret }],
        apns: [
          { mode: 'dev', p8_token: secret, key_id: 'A', team_id: 'B' },
          { mode: 'prod', p8_token: secret, key_id: 'A' },
          { mode: 'prod', p8_token: secret, key_id: 'A', team_id: 'B', cert: secret, key: secret },
        ],
      }),
    );
    const text = problemsOf({ PUSH_POOLS_FILE: pools });
    expect(text).toContain(`PUSH_POOLS_FILE: ${pools} has several pools called fcm, at /fcm/0, /fcm/1: give each a`);
    expect(text).toContain('has several pools called apns_prod, at /apns/1, /apns/2');
    expect(text).not.toContain('apns_dev');
    expect(text).toMatch(/PUSH_POOLS_FILE \/fcm\/0\/app_file: cannot read .*missing.json \(ENOENT\)/);
    expect(text).toContain('PUSH_POOLS_FILE /fcm/1/app_file: ');
    expect(text).toContain('PUSH_POOLS_FILE /apns/0/p8_token: holds no private key');
    expect(text).toContain('PUSH_POOLS_FILE /apns/1: expected either p8_token, key_id and team_id, or cert and key');
    expect(text).toContain('PUSH_POOLS_FILE /apns/2: expected either');
    expect(text).not.toContain('not-a-key-but-secret');
    for (const [content, why] of [
      ['{', 'is not JSON'],
      ['{}', 'contains no pool'],
    ] as const)
      expect(problemsOf({ PUSH_POOLS_FILE: temporaryFile('pools.json', content) })).toContain(why);
  });
});

it('sends a push to the first pool of its service and mode that has all of its tags', async () => {
  const authority = createFakeAuthority();
  const got: string[] = [];
  const entryOf = async (keyId: string) => {
    const key = createFakeApnsKey(keyId);
    const fake = await startFakeApns({ authority, keys: [key], clock: Date.now, onDelivered: () => got.push(keyId) });
    cleanups.push(fake.stop);
    return {
      p8_token: temporaryFile(`${keyId}.p8`, key.p8),
      key_id: keyId,
      team_id: key.teamId,
      default_topic: 'com.example.app',
      endpoint: `127.0.0.1:${fake.port}`,
    };
  };
  const apns = [
    { ...(await entryOf('FIRST')), mode: 'prod', name: 'chat' },
    { ...(await entryOf('SECOND')), mode: 'prod', tags: ['work', 'beta'] },
    { ...(await entryOf('THIRD')), mode: 'dev', tags: ['work'] },
  ];
  const config = readPushServiceConfig({ PUSH_POOLS_FILE: temporaryFile('pools.json', JSON.stringify({ apns })) });
  if (!config.providers) throw new Error('no providers');
  const log = createLog('push-service', 'silent');
  const metrics = createMetrics('push-service').add(pushServiceMetrics);
  const real = openProviders(config.providers, { log, metrics, ca: authority.ca });
  await real.resource.start();
  cleanups.push(real.resource.stop);
  const { server } = createPushService({
    http: { host: '127.0.0.1', port: 0, bearerTokens: [], maxConnections: 100, exposeSpec: false },
    providers: real.providers,
    alerts: createCredentialAlerts({ log, uptime: () => performance.now() }),
    log,
    metrics,
    clock: Date.now,
  });
  const push = async (service: string, mode: string, tags: readonly string[]) => {
    const alert = { title: 't', body: 'b' };
    const payload = { service, mode, alert, tags };
    return (await server.inject({ method: 'POST', url: '/v3/notification/phone', payload })).body;
  };

  for (const [mode, tags] of [
    ['prod', []],
    ['prod', ['beta']],
    ['prod', ['beta', 'work']],
    ['dev', []],
  ] as const)
    expect(await push('apns', mode, tags)).toBe('null');
  expect(got).toEqual(['FIRST', 'SECOND', 'SECOND', 'THIRD']);
  for (const [service, mode, tags] of [
    ['apns', 'prod', ['home']],
    ['apns', 'dev', ['beta', 'work']],
    ['fcm', 'prod', []],
  ] as const)
    expect(await push(service, mode, tags)).toBe('{"reason":"no_matching_pool"}');
  expect(poolsOf(real.providers)).toEqual(['chat: apns prod', 'apns_prod: apns prod', 'apns_dev: apns dev']);
  const health = await server.inject({ url: '/healthcheck' });
  expect(Object.keys(health.json<{ checks: object }>().checks)).toEqual([
    'pool:chat',
    'pool:apns_prod',
    'pool:apns_dev',
  ]);
});
