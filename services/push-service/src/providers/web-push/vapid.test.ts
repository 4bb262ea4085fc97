import { createECDH, generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { checkVapid } from '@pushmesh/fakes';
import { createVapid, parseVapidIdentity } from './vapid.ts';

const origin = 'https://push.example.net';
const hour = 3_600_000;
const pem = (namedCurve: string) =>
  generateKeyPairSync('ec', { namedCurve }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

/** A private key with the public key of another key. */
const torn = () => {
  const [one, other] = [0, 1].map(() =>
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'der' }),
  ) as [Buffer, Buffer];
  const der = Buffer.concat([one.subarray(0, -64), other.subarray(-64)]);
  return `-----BEGIN EC PRIVATE KEY-----\n${der.toString('base64')}\n-----END EC PRIVATE KEY-----\n`;
};

const identity = (key = pem('P-256')) => {
  const parsed = parseVapidIdentity(key, 'mailto:push@example.com');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.identity;
};

describe("the fake's check", () => {
  // RFC 8292 §2.4
  const example =
    'vapid t=eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA, ' +
    'k=BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs';
  const now = 1_453_523_768_000 - hour;

  it('accepts the example of RFC 8292', () => {
    expect(checkVapid(example, { origin, now })).toBeUndefined();
  });

  it.each([
    [undefined, { origin, now }, 401],
    ['Bearer abc', { origin, now }, 401],
    [example, { origin: 'https://other.example', now }, 403],
    [example, { origin, now: now + hour }, 403],
    [example, { origin, now: now - 24 * hour }, 403],
    [example, { origin, now, applicationServerKey: identity().publicKey }, 403],
    [example.replace('i3CYb7', 'j3CYb7'), { origin, now }, 403],
    [example.replace('k=BA1H', 'k=BA2H'), { origin, now }, 403],
  ])('refuses %s', (header, expected, status) => {
    expect(checkVapid(header, expected)).toBe(status);
  });
});

describe('createVapid', () => {
  it('signs for an origin now and then, not for each push', () => {
    let now = Date.UTC(2026, 0, 1);
    const me = identity();
    const vapid = createVapid({ identity: me, clock: () => now });
    const first = vapid(origin);
    const right = () => checkVapid(vapid(origin), { origin, now, applicationServerKey: me.publicKey });
    expect(right()).toBeUndefined();
    now += 3 * hour;
    expect(vapid(origin)).toBe(first);
    now += 2 * hour;
    expect(vapid(origin)).not.toBe(first);
    expect(right()).toBeUndefined();
    expect(checkVapid(vapid('https://b.example'), { origin: 'https://b.example', now })).toBeUndefined();
  });

  it.each([-2 * hour, 2 * hour])('works with a clock that is off by %i ms, and after it is corrected', (skew) => {
    const now = Date.UTC(2026, 0, 1);
    let ours = now + skew;
    const vapid = createVapid({ identity: identity(), clock: () => ours });
    expect(checkVapid(vapid(origin), { origin, now })).toBeUndefined();
    ours = now;
    expect(checkVapid(vapid(origin), { origin, now })).toBeUndefined();
  });
});

describe('parseVapidIdentity', () => {
  it('reads the 32 bytes that other tools print', () => {
    const pair = createECDH('prime256v1');
    const publicKey = pair.generateKeys('base64url');
    const padded = Buffer.from(pair.getPrivateKey('hex').padStart(64, '0'), 'hex').toString('base64url');
    expect(identity(padded).publicKey).toBe(publicKey);
  });

  it.each([
    ['secret', 'mailto:a@b.example', ['key']],
    [pem('P-384'), 'mailto:a@b.example', ['key']],
    [torn(), 'mailto:a@b.example', ['key']],
    [pem('P-256'), 'a@b.example', ['subject']],
    [pem('P-256'), 'mailto:', ['subject']],
    ['secret', '', ['key', 'subject']],
  ])('says what is wrong', (key, subject, wrong) => {
    const parsed = parseVapidIdentity(key, subject);
    expect(Object.keys(parsed.ok ? {} : parsed.problems)).toEqual(wrong);
    expect(JSON.stringify(parsed)).not.toContain('secret');
  });

  it('reveals nothing of the key', () => {
    const me = identity();
    const { d = '' } = me.privateKey.export({ format: 'jwk' });
    expect(inspect(me, { depth: 9 }) + JSON.stringify(me)).not.toContain(d);
  });
});
