import { describe, expect, it } from 'vitest';
import { createFakeServiceAccount, createTokenIssuer } from '@pushmesh/fakes';
import { createOAuth } from './oauth.ts';
import type { Renewal } from './oauth.ts';
import { parseServiceAccount } from './service-account.ts';
import type { TokenAnswer } from './token-endpoint.ts';

const tokenUri = 'https://oauth2.example/token';
const key = (privateKeyId: string) => createFakeServiceAccount({ projectId: 'chat', tokenUri, privateKeyId });
const [one, two] = [key('key-1'), key('key-2')];
const hour = 3_600_000;
const minute = 60_000;

const parsed = (json: string) => {
  const account = parseServiceAccount(json);
  if (!account.ok) throw new Error(account.problem);
  return account.account;
};

/** The fake's issuer behind an endpoint without a network; time passes when the test says so. */
const setUp = ({ skewMs = 0, hold = false } = {}) => {
  const start = Date.UTC(2026, 0, 1);
  let elapsed = 0;
  let outage: TokenAnswer | undefined;
  let requests = 0;
  const renewals: Renewal[] = [];
  const waiting: (() => void)[] = [];
  const issuer = createTokenIssuer({ accounts: [one], lifetimeSeconds: 3600, clock: () => start + elapsed });
  const oauth = createOAuth({
    account: parsed(one.json),
    endpoint: async (uri, form) => {
      requests += 1;
      if (hold) await new Promise<void>((resolve) => waiting.push(resolve));
      if (outage) return outage;
      const date = new Date(start + elapsed).toUTCString();
      return { type: 'answer', headers: { date }, ...issuer.answer(form, uri) };
    },
    clock: () => start + elapsed + skewMs,
    uptime: () => elapsed,
    random: () => 0.5,
    onRenewal: (renewal) => renewals.push(renewal),
  });
  return {
    oauth,
    issuer,
    renewals,
    requests: () => requests,
    pass: (ms: number) => (elapsed += ms),
    playOutage: (next: TokenAnswer | undefined) => (outage = next),
    answerHeld: () => waiting.splice(0).forEach((resolve) => resolve()),
    /** Waits for a renewal in the background. */
    settle: () => new Promise((resolve) => setImmediate(resolve)),
  };
};

const answer = (status: number, body: string, headers = {}): TokenAnswer => ({ type: 'answer', status, body, headers });
const token = (n: number) => ({ type: 'token', token: `ya29.fake-${n}` });

describe('a token', () => {
  it('is requested once for everyone who waits for it, and then kept', async () => {
    const { oauth, requests, answerHeld } = setUp({ hold: true });
    const all = Promise.all(Array.from({ length: 50 }, async () => oauth.accessToken()));
    answerHeld();
    expect(new Set((await all).map((each) => JSON.stringify(each)))).toEqual(new Set([JSON.stringify(token(1))]));
    expect(await oauth.accessToken()).toEqual(token(1));
    expect(requests()).toBe(1);
  });

  it('is renewed more than five minutes before it expires, while nobody waits', async () => {
    const { oauth, pass, requests, answerHeld, settle } = setUp({ hold: true });
    const first = oauth.accessToken();
    answerHeld();
    await first;
    pass(hour - 6 * minute);
    await oauth.accessToken();
    expect(requests()).toBe(1);
    pass(minute);
    expect(await oauth.accessToken()).toEqual(token(1));
    expect(await oauth.accessToken()).toEqual(token(1));
    expect(requests()).toBe(2);
    answerHeld();
    await settle();
    expect(await oauth.accessToken()).toEqual(token(2));
  });

  it('survives an outage for as long as it is valid', async () => {
    const { oauth, pass, playOutage, renewals, settle } = setUp();
    await oauth.accessToken();
    playOutage({ type: 'fault', reason: 'ECONNRESET' });
    pass(hour - minute);
    expect(await oauth.accessToken()).toEqual(token(1));
    await settle();
    expect(renewals.at(-1)).toEqual({ type: 'unavailable', reason: 'unable_to_connect', waitMs: 750 });
    expect(await oauth.accessToken()).toEqual(token(1));
  });

  it('is missing if the outage lasts longer, and is back after it', async () => {
    const { oauth, pass, playOutage, requests } = setUp();
    await oauth.accessToken();
    playOutage(answer(503, '<html>', { 'retry-after': '120' }));
    pass(hour);
    const missing = { type: 'unavailable', reason: 'HTTP_503', retryAfterSeconds: 120 };
    expect(await oauth.accessToken()).toEqual(missing);
    playOutage(undefined);
    pass(minute);
    expect(await oauth.accessToken()).toEqual({ ...missing, retryAfterSeconds: 60 });
    expect(requests()).toBe(2);
    pass(minute);
    expect(await oauth.accessToken()).toEqual(token(2));
  });

  it('is requested less and less often during an outage', async () => {
    const { oauth, pass, playOutage, renewals } = setUp();
    playOutage({ type: 'fault', reason: 'ECONNRESET' });
    for (let attempt = 0; attempt < 9; attempt += 1) {
      await oauth.accessToken();
      pass(renewals.at(-1)?.type === 'unavailable' ? minute : 0);
    }
    const waits = renewals.map((renewal) => (renewal.type === 'token' ? 0 : renewal.waitMs));
    expect(waits).toEqual([750, 1500, 3000, 6000, 12_000, 24_000, 45_000, 45_000, 45_000]);
  });

  it.each([
    ['a token that is not a text', answer(200, '{"access_token":7,"expires_in":3600}'), 'malformed_answer'],
    ['a token that no header can carry', answer(200, '{"access_token":"a\\nb","expires_in":3600}'), 'malformed_answer'],
    ['a token without a lifetime', answer(200, '{"access_token":"a"}'), 'malformed_answer'],
    ['a page instead of a token', answer(200, '<html>'), 'malformed_answer'],
    ['too many requests', answer(429, '{"error":"rate_limited"}'), 'HTTP_429'],
    ['a refusal without an error code', answer(404, '<html>'), 'HTTP_404'],
  ])('is unavailable for now after %s', async (_name, outage, reason) => {
    const { oauth, playOutage } = setUp();
    playOutage(outage);
    expect(await oauth.accessToken()).toEqual({ type: 'unavailable', reason, retryAfterSeconds: 1 });
  });
});

describe('a clock that is off', () => {
  it.each([-2 * hour, 2 * hour])('by %i ms is detected and allowed for', async (skewMs) => {
    const { oauth, pass, requests } = setUp({ skewMs });
    expect(await oauth.accessToken()).toEqual(token(1));
    expect(requests()).toBe(2);
    pass(hour);
    expect(await oauth.accessToken()).toEqual(token(2));
    expect(requests()).toBe(3);
  });
});

describe('a key that is wrong', () => {
  it("is refused in OAuth's words, and tried again only after a while", async () => {
    const { oauth, issuer, requests } = setUp();
    issuer.deleteKey('key-1');
    const refused = { type: 'refused', reason: 'invalid_grant', retryAfterSeconds: 1 };
    expect(await oauth.accessToken()).toEqual(refused);
    expect(await oauth.accessToken()).toEqual(refused);
    expect(requests()).toBe(1);
  });

  it('is replaced at once', async () => {
    const { oauth, issuer } = setUp();
    issuer.deleteKey('key-1');
    await oauth.accessToken();
    issuer.trust(two);
    oauth.swap(parsed(two.json));
    expect(await oauth.accessToken()).toEqual(token(1));
  });

  it('leaves the old token in use if the new key is the wrong one', async () => {
    const { oauth, renewals, settle } = setUp();
    await oauth.accessToken();
    oauth.swap(parsed(two.json));
    await settle();
    expect(renewals.at(-1)?.type).toBe('refused');
    expect(await oauth.accessToken()).toEqual(token(1));
  });

  it('is replaced also for pushes that were already waiting', async () => {
    const { oauth, issuer, answerHeld, settle, renewals } = setUp({ hold: true });
    issuer.trust(two);
    issuer.deleteKey('key-1');
    const waited = oauth.accessToken();
    oauth.swap(parsed(two.json));
    answerHeld();
    await settle();
    expect(await waited).toEqual(token(1));
    expect(renewals).toEqual([{ type: 'token', lifetimeMs: hour }]);
  });
});

describe('a token that FCM refuses', () => {
  it('is replaced once for all callers', async () => {
    const { oauth, pass, requests } = setUp();
    await oauth.accessToken();
    pass(2 * minute);
    const all = await Promise.all(Array.from({ length: 20 }, () => oauth.replacementOf('ya29.fake-1')));
    expect(new Set(all.map((each) => each.type === 'token' && each.token))).toEqual(new Set(['ya29.fake-2']));
    expect(await oauth.replacementOf('ya29.fake-1')).toEqual(token(2));
    expect(requests()).toBe(2);
  });

  it('is not replaced while it is new: the next would be refused as well', async () => {
    const { oauth, requests } = setUp();
    await oauth.accessToken();
    expect(await oauth.replacementOf('ya29.fake-1')).toEqual(token(1));
    expect(requests()).toBe(1);
  });

  it('stays if there is no other', async () => {
    const { oauth, pass, playOutage } = setUp();
    await oauth.accessToken();
    pass(2 * minute);
    playOutage({ type: 'fault', reason: 'ECONNRESET' });
    expect(await oauth.replacementOf('ya29.fake-1')).toEqual(token(1));
    playOutage(undefined);
    pass(minute);
    expect(await oauth.replacementOf('ya29.fake-1')).toEqual(token(2));
  });
});
