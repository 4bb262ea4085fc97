import { verify } from 'node:crypto';
import { parseJson } from '../../../../services/push-service/src/push/parse-json.ts';
import type { FakeServiceAccount } from './service-account.ts';

type Options = {
  readonly accounts: readonly FakeServiceAccount[];
  /** Seconds that a token lives; Google's live for an hour. */
  readonly lifetimeSeconds: number;
  /** Milliseconds since 1970, by the clock of Google. */
  readonly clock: () => number;
};

export type TokenResponse = { readonly status: number; readonly body: string };

type Grant = { readonly account: FakeServiceAccount; readonly deadAt: number };
type Claims = Readonly<Partial<Record<'iss' | 'aud' | 'scope' | 'iat' | 'exp', unknown>>>;

const scope = 'https://www.googleapis.com/auth/firebase.messaging';
const clockTolerance = 300;
const maxGrants = 10_000;

/**
 * Google's side of RFC 7523: gives an access token for a right assertion and knows the tokens that it gave. Words and
 * texts of the refusals are Google's.
 */
export const createTokenIssuer = ({ accounts, lifetimeSeconds, clock }: Options) => {
  const trusted = new Map(accounts.map((account) => [account.privateKeyId, account]));
  const grants = new Map<string, Grant>();
  let count = 0;

  /** Those that are dead, eldest first, and one more when there are as many as may be. */
  const forgetTokens = () => {
    for (const [token, { deadAt }] of grants) {
      if (grants.size < maxGrants && clock() < deadAt) return;
      grants.delete(token);
    }
  };

  const issue = (account: FakeServiceAccount): TokenResponse => {
    const token = `ya29.fake-${++count}`;
    forgetTokens();
    grants.set(token, { account, deadAt: clock() + lifetimeSeconds * 1000 });
    const body = { access_token: token, expires_in: lifetimeSeconds, token_type: 'Bearer' };
    return { status: 200, body: JSON.stringify(body) };
  };

  return {
    /** Answers the form of a request; `tokenUri` is where it came to. */
    answer: (form: URLSearchParams, tokenUri: string): TokenResponse => {
      if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer')
        return refusal('unsupported_grant_type', 'Invalid grant_type');
      const [header = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.');
      const { alg, kid } = decode(header) as { alg?: unknown; kid?: unknown };
      const account = trusted.get(String(kid));
      if (alg !== 'RS256' || !account) return refusal('invalid_grant', 'Invalid JWT Signature.');
      const signed = Buffer.from(`${header}.${claims}`);
      if (!verify('RSA-SHA256', signed, account.publicKey, Buffer.from(signature, 'base64url')))
        return refusal('invalid_grant', 'Invalid JWT Signature.');
      return wrongClaim(decode(claims), account, tokenUri, clock() / 1000) ?? issue(account);
    },

    /** Whom the token was given to, while it lives. */
    accountOf: (token: string): FakeServiceAccount | undefined => {
      const grant = grants.get(token);
      return grant && clock() < grant.deadAt ? grant.account : undefined;
    },

    /** From now on, tokens are refused that were given before. */
    revokeTokens: (): void => grants.clear(),

    /** How many tokens were given. */
    issued: () => count,

    trust: (account: FakeServiceAccount): void => void trusted.set(account.privateKeyId, account),
    /** The key is deleted in Google's console; its tokens live on. */
    deleteKey: (privateKeyId: string): void => void trusted.delete(privateKeyId),
  };
};

const wrongClaim = (
  claims: Claims,
  account: FakeServiceAccount,
  tokenUri: string,
  now: number,
): TokenResponse | undefined => {
  const { iss, aud, iat, exp } = claims;
  if (iss !== account.clientEmail) return refusal('invalid_grant', 'Invalid grant: account not found');
  if (aud !== tokenUri) return refusal('invalid_grant', 'Invalid JWT: wrong audience');
  const inTime =
    typeof iat === 'number' &&
    typeof exp === 'number' &&
    exp - iat <= 3600 &&
    iat <= now + clockTolerance &&
    exp > now - clockTolerance;
  if (!inTime)
    return refusal(
      'invalid_grant',
      'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.',
    );
  const scopes = typeof claims.scope === 'string' ? claims.scope.split(' ') : [];
  return scopes.includes(scope)
    ? undefined
    : refusal('invalid_scope', 'Invalid OAuth scope or ID token audience provided.');
};

const decode = (part: string): Claims & object => {
  const value = parseJson(Buffer.from(part, 'base64url').toString());
  return typeof value === 'object' && value !== null ? value : {};
};

const refusal = (error: string, error_description: string): TokenResponse => ({
  status: 400,
  body: JSON.stringify({ error, error_description }),
});
