import { createECDH, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

// RFC 8292: Voluntary Application Server Identification (VAPID) for Web Push.

/** Who we are to the push services. Browsers subscribe with the same key (`applicationServerKey`). */
export type VapidIdentity = {
  readonly privateKey: KeyObject;
  /** An uncompressed point on P-256, in base64url. */
  readonly publicKey: string;
  /** How to reach the operator: a `mailto:` or `https:` URI. */
  readonly subject: string;
};

type ParsedIdentity =
  | { readonly ok: true; readonly identity: VapidIdentity }
  /** In words for the operator, which reveal nothing of the key. */
  | { readonly ok: false; readonly problems: { readonly key?: string; readonly subject?: string } };

/** Reads the private key on P-256: PEM, or the 32 bytes in base64url that `web-push generate-vapid-keys` prints. */
export const parseVapidIdentity = (key: string, subject: string): ParsedIdentity => {
  const isSubject = /^(?:mailto:.+@|https:\/\/)./.test(subject);
  const privateKey = parseKey(key.trim());
  const wrongKey = problemOf(privateKey);
  if (!isSubject || !privateKey || wrongKey !== undefined)
    return {
      ok: false,
      problems: {
        ...(wrongKey !== undefined && { key: wrongKey }),
        ...(!isSubject && { subject: 'is neither a mailto: nor an https: URI' }),
      },
    };
  return { ok: true, identity: { privateKey, publicKey: pointOf(privateKey), subject } };
};

const parseKey = (key: string): KeyObject | undefined => {
  try {
    return /^[\w-]{43}=?$/.test(key) ? fromScalar(key) : createPrivateKey(key);
  } catch {
    // OpenSSL's error helps nobody.
    return undefined;
  }
};

const problemOf = (key: KeyObject | undefined): string | undefined => {
  if (key?.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    return 'is neither a private key of P-256 in PEM nor its 32 bytes in base64url';
  // PEM holds the public key as well, and OpenSSL believes it.
  const signed = Buffer.from('a token');
  const isPair = verify('sha256', signed, createPublicKey(key), sign('sha256', signed, key));
  return isPair ? undefined : 'holds a public key that is not that of its private key';
};

const fromScalar = (d: string): KeyObject => {
  const pair = createECDH('prime256v1');
  pair.setPrivateKey(d, 'base64url');
  const point = pair.getPublicKey();
  const [x, y] = [point.subarray(1, 33).toString('base64url'), point.subarray(33).toString('base64url')];
  return createPrivateKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', d, x, y } });
};

const pointOf = (key: KeyObject): string => {
  const { x = '', y = '' } = createPublicKey(key).export({ format: 'jwk' });
  return Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]).toString('base64url');
};

/** A push service accepts a token for at most 24 hours (RFC 8292 §2). With half of that, a clock may be off by as much. */
const lifetimeSeconds = 43_200;
/** A token is used for only part of its life. */
const reuseMs = 4 * 3_600_000;
/** How many push services are remembered; anybody may name new ones. */
const maxOrigins = 1_000;

type Options = { readonly identity: VapidIdentity; /** Milliseconds since 1970. */ readonly clock: () => number };

/** The `authorization` header for the origin of a push service: a token is signed now and then, not for each push. */
export const createVapid = ({ identity, clock }: Options) => {
  const headers = new Map<string, { readonly header: string; readonly madeAt: number }>();

  return (origin: string): string => {
    const now = clock();
    const known = headers.get(origin);
    if (known && Math.abs(now - known.madeAt) < reuseMs) return known.header;
    const header = toVapidHeader(identity, origin, Math.floor(now / 1000) + lifetimeSeconds);
    headers.delete(origin);
    headers.set(origin, { header, madeAt: now });
    const [oldest] = headers.keys();
    if (headers.size > maxOrigins && oldest !== undefined) headers.delete(oldest);
    return header;
  };
};

const toVapidHeader = ({ privateKey, publicKey, subject }: VapidIdentity, aud: string, exp: number): string => {
  const signed = `${encode({ typ: 'JWT', alg: 'ES256' })}.${encode({ aud, exp, sub: subject })}`;
  const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `vapid t=${signed}.${signature.toString('base64url')}, k=${publicKey}`;
};

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
