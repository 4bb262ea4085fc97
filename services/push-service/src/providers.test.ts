import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createLog, createMetrics, metricNames } from '@pushmesh/telemetry';
import { readPushServiceConfig } from './config.ts';
import { createApnsFake } from './fakes/apns/apns-fake.ts';
import type { ApnsDelivery } from './fakes/apns/apns-fake.ts';
import { createApnsKey } from './fakes/apns/provider-token.ts';
import { startFakeFcm } from './fakes/fcm/fake-fcm.ts';
import type { FcmDelivery } from './fakes/fcm/fake-fcm.ts';
import { createFakeServiceAccount } from './fakes/fcm/service-account.ts';
import { createFakeAuthority } from './fakes/tls.ts';
import { createProviders } from './providers.ts';
import { createPushService } from './service.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const folder = mkdtempSync(join(tmpdir(), 'pushmesh-credentials-'));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

describe('push-service with the credentials of both providers, against fakes of them', () => {
  it('is configured by MongoosePush’s own variables, and pushes', async () => {
    const authority = createFakeAuthority();
    const key = createApnsKey();
    const toApns: ApnsDelivery[] = [];
    const apns = createApnsFake({ authority, keys: [key], clock: Date.now, onDelivered: (each) => toApns.push(each) });
    await apns.start();
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
      PUSH_FCM_APP_FILE: file('fcm.json', account.json),
      PUSH_FCM_ENDPOINT: hostname,
      PUSH_FCM_PORT: port,
      PUSH_APNS_ENABLED: 'true',
      PUSH_APNS_PROD_P8_TOKEN: file('apns.p8', key.p8),
      PUSH_APNS_PROD_KEY_ID: key.keyId,
      PUSH_APNS_PROD_TEAM_ID: key.teamId,
      PUSH_APNS_PROD_DEFAULT_TOPIC: 'com.example.app',
    });
    if (!config.providers) throw new Error('no providers');
    const settings = {
      ...config.providers,
      apns: config.providers.apns.map((each) => ({ ...each, endpoint: apns.origin() })),
    };
    const log = createLog('push-service', 'silent');
    const real = createProviders(settings, { log, ca: authority.ca });
    await real.resource.start();
    cleanups.push(real.resource.stop);
    const service = createPushService({
      http: { host: '127.0.0.1', port: 0, bearerTokens: [], maxConnections: 100, exposeSpec: false },
      providers: real.providers,
      log,
      metrics: createMetrics('push-service').add(metricNames.pushService),
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

  it('says everything that is missing at once', () => {
    const text = problemsOf({ PUSH_FCM_ENABLED: 'true', PUSH_APNS_ENABLED: 'true' });
    expect(text).toContain('PUSH_FCM_APP_FILE: is not set, though PUSH_FCM_ENABLED is true');
    expect(text).toContain('PUSH_APNS_ENABLED: is true, and neither mode has credentials');
  });

  it('names the variable of what cannot be used, and shows nothing of it', () => {
    const secret = file('secret', 'not-a-key-but-secret');
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
});
