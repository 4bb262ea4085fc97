import { verify } from 'node:crypto';
import { parseJwtPart } from '../parse-json.ts';
import type { FakeServiceAccount } from './service-account.ts';

type Options = {
  readonly accounts: readonly FakeServiceAccount[];
  /** The lifetime of a token in seconds; Google's is an hour. */
  readonly lifetimeSeconds: number;
  /** Google's clock, in milliseconds since 1970. */
  readonly clock: () => number;
};

export type TokenResponse = { readonly status: number; readonly body: string };

type Grant = { readonly account: FakeServiceAccount; readonly expiresAt: number };

/** RFC 7523 §2.1 */
const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const messagingScope = 'https://www.googleapis.com/auth/firebase.messaging';
/** Seconds that the clock of the sender may be off. */
const clockToleranceSeconds = 300;
/** "This value has a maximum of 1 hour after the issued time." ("Using OAuth 2.0 for Server to Server Applications") */
const maxAssertionSeconds = 3600;
const maxGrants = 10_000;

/**
 * Google's side of RFC 7523: issues an access token for a valid assertion and knows the tokens that it issued. The error
 * codes and descriptions are Google's.
 */
export const createTokenIssuer = ({ accounts, lifetimeSeconds, clock }: Options) => {
  const trusted = new Map(accounts.map((account) => [account.privateKeyId, account]));
  const grants = new Map<string, Grant>();
  let count = 0;

  /** Forgets the expired tokens, which are the oldest, and one more if there are `maxGrants`. */
  const forgetTokens = () => {
    for (const [token, { expiresAt }] of grants) {
      if (grants.size < maxGrants && clock() < expiresAt) return;
      grants.delete(token);
    }
  };

  const issue = (account: FakeServiceAccount): TokenResponse => {
    const token = `ya29.fake-${++count}`;
    forgetTokens();
    grants.set(token, { account, expiresAt: clock() + lifetimeSeconds * 1000 });
    const body = { access_token: token, expires_in: lifetimeSeconds, token_type: 'Bearer' };
    return { status: 200, body: JSON.stringify(body) };
  };

  return {
    /** The answer to the form of a token request that was sent to `tokenUri`. */
    answer: (form: URLSearchParams, tokenUri: string): TokenResponse => {
      if (form.get('grant_type') !== jwtBearer) return refusal('unsupported_grant_type', 'Invalid grant_type');
      const [header = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.');
      const { alg, kid } = parseJwtPart(header);
      const account = trusted.get(String(kid));
      if (alg !== 'RS256' || !account) return refusal('invalid_grant', 'Invalid JWT Signature.');
      const signed = Buffer.from(`${header}.${claims}`);
      if (!verify('RSA-SHA256', signed, account.publicKey, Buffer.from(signature, 'base64url')))
        return refusal('invalid_grant', 'Invalid JWT Signature.');
      return refusalOfClaims(parseJwtPart(claims), account, tokenUri, clock() / 1000) ?? issue(account);
    },

    /** The account that the token was issued to; `undefined` once it has expired or was revoked. */
    accountOf: (token: string): FakeServiceAccount | undefined => {
      const grant = grants.get(token);
      return grant && clock() < grant.expiresAt ? grant.account : undefined;
    },

    /** Revokes all tokens issued so far. */
    revokeTokens: (): void => grants.clear(),

    /** The number of tokens issued so far. */
    issued: () => count,

    trust: (account: FakeServiceAccount): void => void trusted.set(account.privateKeyId, account),
    /** Deletes a key, as in Google's console; the tokens issued for it stay valid. */
    deleteKey: (privateKeyId: string): void => void trusted.delete(privateKeyId),
  };
};

const refusalOfClaims = (
  claims: Readonly<Record<string, unknown>>,
  account: FakeServiceAccount,
  tokenUri: string,
  now: number,
): TokenResponse | undefined => {
  const { iss, aud, iat, exp, scope } = claims;
  if (iss !== account.clientEmail) return refusal('invalid_grant', 'Invalid grant: account not found');
  if (aud !== tokenUri) return refusal('invalid_grant', 'Invalid JWT: wrong audience');
  const isTimely =
    typeof iat === 'number' &&
    typeof exp === 'number' &&
    exp - iat <= maxAssertionSeconds &&
    iat <= now + clockToleranceSeconds &&
    exp > now - clockToleranceSeconds;
  if (!isTimely)
    return refusal(
      'invalid_grant',
      'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.',
    );
  const scopes = typeof scope === 'string' ? scope.split(' ') : [];
  return scopes.includes(messagingScope)
    ? undefined
    : refusal('invalid_scope', 'Invalid OAuth scope or ID token audience provided.');
};

const refusal = (error: string, error_description: string): TokenResponse => ({
  status: 400,
  body: JSON.stringify({ error, error_description }),
});
