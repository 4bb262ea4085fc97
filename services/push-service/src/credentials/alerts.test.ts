import { expect, it } from 'vitest';
import { createLog } from '@pushmesh/telemetry';
import type { ProviderAnswer } from '../push/category.ts';
import { createCredentialAlerts } from './alerts.ts';

const start = () => {
  const lines: { event: string; level: string; reason: string; times?: number; refused?: number; lookAt?: string }[] =
    [];
  const log = createLog('test', 'info', { write: (line: string) => void lines.push(JSON.parse(line) as never) });
  let now = 0;
  const alerts = createCredentialAlerts({ log, uptime: () => now });
  const push = (answer: ProviderAnswer, pool = 'apns_prod') =>
    alerts.note(
      pool,
      { service: 'apns', mode: 'prod', device_id: 'a-token', tags: [], alert: { title: 't', body: 'a-text' } },
      answer,
    );
  return { lines, push, alerts, wait: (ms: number) => (now += ms) };
};
const dead: ProviderAnswer = { category: 'auth', reason: 'InvalidProviderToken' };
const ok: ProviderAnswer = { category: 'ok' };

it('logs a refusal of our credentials at once, then once a minute for each pool and reason', () => {
  const { lines, push, wait } = start();
  for (let times = 0; times < 3; times += 1) push(dead);
  push(dead, 'apns_dev');
  push({ category: 'internal_config', reason: 'BadTopic' });
  push({ category: 'invalid_request', reason: 'BadDeviceToken' });
  push({ category: 'unable_to_connect', reason: 'queue_full' });
  expect(lines.map(({ reason, times }) => [reason, times])).toEqual([
    ['InvalidProviderToken', 1],
    ['InvalidProviderToken', 1],
    ['BadTopic', 1],
  ]);
  expect(lines[0]).toMatchObject({
    level: 'error',
    event: 'provider-refused',
    pool: 'apns_prod',
    service: 'apns',
    mode: 'prod',
    category: 'auth',
    lookAt: expect.stringContaining('key id'),
  });
  wait(60_000);
  push(dead);
  expect(lines[3]).toMatchObject({ reason: 'InvalidProviderToken', times: 3 });
  expect(JSON.stringify(lines)).not.toMatch(/a-token|a-text/);
});

it('logs when the credentials of a pool are accepted again', () => {
  const { lines, push, alerts, wait } = start();
  push(ok);
  push(dead);
  push(dead);
  push({ category: 'third_party_auth', reason: 'APNS_AUTH_ERROR' });
  expect(alerts.reasonFor('apns_prod')).toBe('InvalidProviderToken');
  push({ category: 'unregistered', reason: 'Unregistered' });
  expect(alerts.reasonFor('apns_prod')).toBeUndefined();
  const told = () =>
    lines.flatMap(({ event, reason, refused }) => (event === 'provider-accepts-again' ? [[reason, refused]] : []));
  expect(told()).toEqual([]);
  wait(60_000);
  push(ok);
  push(ok);
  expect(told()).toEqual([['InvalidProviderToken', 2]]);
});

it('a pool whose credentials are accepted only at times is logged at most once a minute', () => {
  const { lines, push } = start();
  for (let turn = 0; turn < 100; turn += 1) {
    push(dead);
    push(ok);
  }
  expect(lines).toHaveLength(1);
});

it('logs pushes without a topic if there is no default one, but not a wrong topic that came with the push', () => {
  const { lines, push } = start();
  push({ category: 'invalid_request', reason: 'BadTopic' });
  push({ category: 'invalid_request', reason: 'MissingTopic' });
  expect(lines).toMatchObject([{ reason: 'MissingTopic', lookAt: expect.stringContaining('default topic') as string }]);
});

it('keeps a bounded number of reasons, whatever the push service answers', () => {
  const { lines, push } = start();
  for (let word = 0; word < 1_000; word += 1) push({ category: 'unknown', reason: `Word${word}` });
  expect(lines.length).toBeLessThan(50);
});
