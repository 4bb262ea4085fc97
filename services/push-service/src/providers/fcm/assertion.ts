import { sign } from 'node:crypto';
import type { ServiceAccount } from './service-account.ts';

/** What the access token is for: sending messages and nothing else. */
export const messagingScope = 'https://www.googleapis.com/auth/firebase.messaging';
/** RFC 7523 §2.1 */
export const jwtBearerGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** Google accepts at most an hour. */
const lifetimeSeconds = 3600;
/** Clocks differ a little, and a time of issue in the future is refused. */
const leewaySeconds = 10;

/** The form that requests an access token on behalf of a service account; `now` in milliseconds since 1970. */
export const toTokenForm = (account: ServiceAccount, tokenUri: string, now: number): URLSearchParams =>
  new URLSearchParams({ grant_type: jwtBearerGrant, assertion: toAssertion(account, tokenUri, now) });

// RFC 7523 §3, "Using OAuth 2.0 for server to server applications"
const toAssertion = (account: ServiceAccount, tokenUri: string, now: number): string => {
  const iat = Math.floor(now / 1000) - leewaySeconds;
  const header = { alg: 'RS256', typ: 'JWT', kid: account.privateKeyId };
  const claims = { iss: account.clientEmail, scope: messagingScope, aud: tokenUri, iat, exp: iat + lifetimeSeconds };
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), account.privateKey).toString('base64url')}`;
};

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
