import { createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { parseJson } from '../../../../services/push-service/src/push/parse-json.ts';

type Expected = {
  /** The origin of the push service. */
  readonly origin: string;
  /** The key that the subscription is for, base64url; any when absent (RFC 8292 §4). */
  readonly applicationServerKey?: string;
  /** Milliseconds since 1970. */
  readonly now: number;
};

/** 401 without credentials, 403 with wrong ones, `undefined` with right ones (RFC 8292 §2, §3, §4.2). */
export const wrongVapid = (authorization: string | undefined, expected: Expected): 401 | 403 | undefined => {
  const { t = '', k = '' } = parametersOf(authorization ?? '');
  if (t === '' || k === '') return 401;
  const [header = '', claims = '', signature = ''] = t.split('.');
  const key = keyOf(k);
  const ours = expected.applicationServerKey ?? k;
  if (!key || k !== ours || decode(header)['alg'] !== 'ES256') return 403;
  const bytes = Buffer.from(signature, 'base64url');
  const right = verify('sha256', Buffer.from(`${header}.${claims}`), { key, dsaEncoding: 'ieee-p1363' }, bytes);
  return right && areInOrder(decode(claims), expected) ? undefined : 403;
};

const areInOrder = (claims: Readonly<Record<string, unknown>>, { origin, now }: Expected): boolean => {
  const { aud, exp, sub } = claims;
  if (aud !== origin || typeof exp !== 'number') return false;
  const left = exp - now / 1000;
  return left > 0 && left <= 86_400 && typeof sub === 'string' && /^(?:mailto|https):./.test(sub);
};

/** `vapid t=…, k=…` */
const parametersOf = (authorization: string): Readonly<Record<string, string>> => {
  const [scheme = '', ...rest] = authorization.split(' ');
  if (scheme.toLowerCase() !== 'vapid') return {};
  const pairs = rest.join(' ').matchAll(/([tk])=([\w.-]+)/g);
  return Object.fromEntries([...pairs].map(([, name = '', value = '']) => [name, value]));
};

const keyOf = (k: string): KeyObject | undefined => {
  const point = Buffer.from(k, 'base64url');
  const [x, y] = [point.subarray(1, 33).toString('base64url'), point.subarray(33).toString('base64url')];
  try {
    return createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x, y } });
  } catch {
    return undefined;
  }
};

const decode = (part: string): Readonly<Record<string, unknown>> => {
  const value = parseJson(Buffer.from(part, 'base64url').toString());
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
};
