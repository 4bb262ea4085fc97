import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { parseJwtPart } from '../parse-json.ts';

/** A signing key of a developer account. */
export type ApnsKey = {
  readonly keyId: string;
  readonly teamId: string;
  readonly publicKey: KeyObject;
};

/** A new signing key, with the text of the `.p8` file that the account's owner would download. */
export const createFakeApnsKey = (keyId = 'FAKEKEY001', teamId = 'FAKETEAM01'): ApnsKey & { readonly p8: string } => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const p8 = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { keyId, teamId, publicKey: createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })), p8 };
};

type Verified =
  | { readonly ok: true; readonly token: string; readonly teamId: string }
  | { readonly ok: false; readonly reason: 'MissingProviderToken' | 'InvalidProviderToken' | 'ExpiredProviderToken' };

type Claims = { readonly keyId: unknown; readonly teamId: unknown; readonly issuedAt: number };

/** "APNs rejects any request whose token contains a timestamp that is more than one hour old." */
const maxAgeMs = 3_600_000;
/** How far the sender's clock may be ahead. */
const leewayMs = 60_000;
const maxRemembered = 100;

/**
 * Verifies `authorization` headers ("Establishing a token-based connection to APNs"). The signature of each token is
 * checked once.
 *
 * @param clock milliseconds since 1970
 */
export const createProviderTokenCheck = (keys: () => readonly ApnsKey[], clock: () => number) => {
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

  return (authorization: string | undefined): Verified => {
    const token = /^bearer (\S+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) return { ok: false, reason: 'MissingProviderToken' };
    const entry = read(token);
    if (!entry || !keys().includes(entry.key) || entry.claims.teamId !== entry.key.teamId)
      return { ok: false, reason: 'InvalidProviderToken' };
    const age = clock() - entry.claims.issuedAt;
    if (age < -leewayMs) return { ok: false, reason: 'InvalidProviderToken' };
    if (age > maxAgeMs) return { ok: false, reason: 'ExpiredProviderToken' };
    return { ok: true, token, teamId: entry.key.teamId };
  };
};

const claimsOf = (token: string): Claims | undefined => {
  const [header = '', claims = '', , ...rest] = token.split('.');
  if (rest.length > 0) return undefined;
  const { alg, kid } = parseJwtPart(header);
  const { iss, iat } = parseJwtPart(claims);
  if (alg !== 'ES256' || !Number.isSafeInteger(iat)) return undefined;
  return { keyId: kid, teamId: iss, issuedAt: (iat as number) * 1000 };
};

/** RFC 7515 §5.2, RFC 7518 §3.4 */
const isSigned = (token: string, { publicKey }: ApnsKey): boolean => {
  const dot = token.lastIndexOf('.');
  const signature = Buffer.from(token.slice(dot + 1), 'base64url');
  const text = Buffer.from(token.slice(0, dot));
  return verify('sha256', text, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
};
