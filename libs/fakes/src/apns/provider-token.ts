import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** A signing key as a developer account has it. */
export type ApnsKey = {
  readonly keyId: string;
  readonly teamId: string;
  readonly publicKey: KeyObject;
};

/** A new key, with the `.p8` text that the account's owner downloads. */
export const createApnsKey = (keyId = 'FAKEKEY001', teamId = 'FAKETEAM01'): ApnsKey & { readonly p8: string } => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const p8 = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { keyId, teamId, publicKey: createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })), p8 };
};

type Verdict =
  | { readonly ok: true; readonly token: string; readonly teamId: string }
  | { readonly ok: false; readonly reason: 'MissingProviderToken' | 'InvalidProviderToken' | 'ExpiredProviderToken' };

type Claims = { readonly keyId: unknown; readonly teamId: unknown; readonly issuedAt: number };

const hourMs = 3_600_000;
/** How far the clocks may be apart. */
const leewayMs = 60_000;
const maxRemembered = 100;

/** Judges `authorization` headers as APNs does; the signature of a token is checked once. */
export const createTokenCheck = (keys: () => readonly ApnsKey[], clock: () => number) => {
  const verified = new Map<string, { readonly claims: Claims; readonly key: ApnsKey }>();

  const read = (token: string) => {
    const known = verified.get(token);
    if (known) return known;
    const claims = claimsOf(token);
    const key = keys().find(({ keyId }) => keyId === claims?.keyId);
    if (!claims || !key || !isSigned(token, key)) return undefined;
    if (verified.size >= maxRemembered) verified.clear();
    const entry = { claims, key };
    verified.set(token, entry);
    return entry;
  };

  return (authorization: string | undefined): Verdict => {
    const token = /^bearer (\S+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) return { ok: false, reason: 'MissingProviderToken' };
    const entry = read(token);
    if (!entry || !keys().includes(entry.key) || entry.claims.teamId !== entry.key.teamId)
      return { ok: false, reason: 'InvalidProviderToken' };
    const age = clock() - entry.claims.issuedAt;
    if (age < -leewayMs) return { ok: false, reason: 'InvalidProviderToken' };
    if (age > hourMs) return { ok: false, reason: 'ExpiredProviderToken' };
    return { ok: true, token, teamId: entry.key.teamId };
  };
};

const claimsOf = (token: string): Claims | undefined => {
  const [header, claims, , ...rest] = token.split('.');
  if (rest.length > 0) return undefined;
  const { alg, kid } = parse(header);
  const { iss, iat } = parse(claims);
  if (alg !== 'ES256' || !Number.isSafeInteger(iat)) return undefined;
  return { keyId: kid, teamId: iss, issuedAt: (iat as number) * 1000 };
};

const parse = (part = ''): Readonly<Record<string, unknown>> => {
  try {
    return (JSON.parse(Buffer.from(part, 'base64url').toString()) ?? {}) as Record<string, unknown>;
  } catch {
    return {};
  }
};

/** RFC 7515 §5.2, RFC 7518 §3.4 */
const isSigned = (token: string, { publicKey }: ApnsKey): boolean => {
  const dot = token.lastIndexOf('.');
  const signature = Buffer.from(token.slice(dot + 1), 'base64url');
  const text = Buffer.from(token.slice(0, dot));
  return verify('sha256', text, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
};
