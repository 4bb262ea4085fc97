import { createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { parseJwtPart } from '../parse-json.ts';

type Expected = {
  /** The origin of the push service. */
  readonly origin: string;
  /** The key that the subscription is restricted to, base64url; if absent, every key is accepted (RFC 8292 §4). */
  readonly applicationServerKey?: string;
  /** Milliseconds since 1970. */
  readonly now: number;
};

/** 401 without credentials, 403 for invalid ones, `undefined` for valid ones (RFC 8292 §2, §3, §4.2). */
export const checkVapid = (authorization: string | undefined, expected: Expected): 401 | 403 | undefined => {
  const { t: token = '', k: publicKey = '' } = parametersOf(authorization ?? '');
  if (token === '' || publicKey === '') return 401;
  const [header = '', claims = '', signature = ''] = token.split('.');
  const key = keyOf(publicKey);
  const isExpectedKey = publicKey === (expected.applicationServerKey ?? publicKey);
  if (!key || !isExpectedKey || parseJwtPart(header)['alg'] !== 'ES256') return 403;
  const bytes = Buffer.from(signature, 'base64url');
  const isSigned = verify('sha256', Buffer.from(`${header}.${claims}`), { key, dsaEncoding: 'ieee-p1363' }, bytes);
  return isSigned && areClaimsValid(parseJwtPart(claims), expected) ? undefined : 403;
};

/** RFC 8292 §2: the audience is the push service, the token expires within 24 hours, the subject is a contact. */
const areClaimsValid = (claims: Readonly<Record<string, unknown>>, { origin, now }: Expected): boolean => {
  const { aud, exp, sub } = claims;
  if (aud !== origin || typeof exp !== 'number') return false;
  const secondsLeft = exp - now / 1000;
  return secondsLeft > 0 && secondsLeft <= 86_400 && typeof sub === 'string' && /^(?:mailto|https):./.test(sub);
};

/** The parameters of `vapid t=..., k=...` (RFC 8292 §3). */
const parametersOf = (authorization: string): Readonly<Record<string, string>> => {
  const [scheme = '', ...rest] = authorization.split(' ');
  if (scheme.toLowerCase() !== 'vapid') return {};
  const pairs = rest.join(' ').matchAll(/([tk])=([\w.-]+)/g);
  return Object.fromEntries([...pairs].map(([, name = '', value = '']) => [name, value]));
};

/** The key in the uncompressed form of X9.62, base64url (RFC 8292 §3.2). */
const keyOf = (k: string): KeyObject | undefined => {
  const point = Buffer.from(k, 'base64url');
  const [x, y] = [point.subarray(1, 33).toString('base64url'), point.subarray(33).toString('base64url')];
  try {
    return createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x, y } });
  } catch {
    return undefined;
  }
};
