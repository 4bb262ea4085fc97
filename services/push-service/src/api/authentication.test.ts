import { afterAll, beforeAll, expect, it } from 'vitest';
import { alert, startPushService } from '../../testing/start-push-service.ts';

const tokens = ['the-token-of-today-0', 'the-token-of-tomorrow'];
let service: Awaited<ReturnType<typeof startPushService>>;
beforeAll(async () => {
  service = await startPushService({ http: { bearerTokens: tokens } });
});
afterAll(() => service.stop());

const push = (authorization?: string) =>
  fetch(`${service.url}/v3/notification/tok`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(authorization !== undefined && { authorization }) },
    body: JSON.stringify({ service: 'fcm', alert }),
  });

it('accepts each of the tokens', async () => {
  for (const token of tokens) expect((await push(`Bearer ${token}`)).status).toBe(200);
  expect((await push(`bearer  ${tokens[0]}`)).status).toBe(200);
});

it.each([
  [undefined, 'Bearer realm="push-service"'],
  ['Bearer', 'Bearer realm="push-service", error="invalid_token"'],
  ['Bearer the-token-of-today-', 'Bearer realm="push-service", error="invalid_token"'],
  ['Bearer the-token-of-today-0 the-token-of-tomorrow', 'Bearer realm="push-service", error="invalid_token"'],
  ['Basic dGhlLXRva2VuLW9mLXRvZGF5LTA=', 'Bearer realm="push-service", error="invalid_token"'],
])('refuses %s', async (authorization, challenge) => {
  const response = await push(authorization);
  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toBe(challenge);
  expect(await response.json()).toEqual({ reason: 'unauthorized', details: expect.any(String) });
});

it.each(['/', '/swagger.json', '/sandbox/devices', '/nothing', '/v3/notification/t'])(
  'refuses GET %s',
  async (path) => {
    expect((await fetch(service.url + path)).status).toBe(401);
  },
);

it('leaves the healthcheck open, but under no other name', async () => {
  expect((await fetch(`${service.url}/healthcheck`)).status).toBe(200);
  for (const path of ['/healthcheck/more', '//healthcheck', '/healthcheck/../sandbox/devices'])
    expect((await fetch(service.url + path)).status).toBe(401);
});

it('counts refusals, and keeps tokens out of the log', async () => {
  await push('Bearer a-token-that-is-wrong');
  expect(await service.metricsText()).toMatch(/push_service_unauthorized_total\{.*\} [1-9]/);
  const log = service.lines.join('');
  for (const token of [...tokens, 'a-token-that-is-wrong']) expect(log).not.toContain(token);
});
