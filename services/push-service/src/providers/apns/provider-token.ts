import { sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

type Options = {
  readonly keyId: string;
  readonly teamId: string;
  readonly privateKey: KeyObject;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Milliseconds of a monotonic clock: it is never set, but may stand still while the machine is suspended. */
  readonly monotonic: () => number;
};

const minute = 60_000;
/** APNs refuses tokens older than an hour, and callers that make a new one within 20 minutes. */
const renewAfterMs = 40 * minute;
const leastBetweenMs = 20 * minute;

/**
 * The token that tells APNs who we are ("Establishing a token-based connection to APNs"): a JWT that all connections share,
 * renewed when it is used at an age of 40 minutes. If our clock has been set, its age may be wrong by any amount. It is then
 * renewed as soon as the 20 minutes allow, or at once if APNs never accepted it, because then the new one is not an update.
 */
export const createProviderToken = ({ keyId, teamId, privateKey, clock, monotonic }: Options) => {
  let token = '';
  let issuedAt = 0;
  let madeAt = 0;
  let wasAccepted = false;

  const make = () => {
    issuedAt = clock();
    madeAt = monotonic();
    wasAccepted = false;
    const text = [
      { alg: 'ES256', kid: keyId },
      { iss: teamId, iat: Math.floor(issuedAt / 1000) },
    ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
    const signature = sign('sha256', Buffer.from(text.join('.')), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    token = [...text, signature.toString('base64url')].join('.');
  };
  make();

  const mayRenew = () => monotonic() - madeAt >= leastBetweenMs;

  return {
    current: (): string => {
      const age = clock() - issuedAt;
      if ((age >= renewAfterMs || age < -minute) && (mayRenew() || !wasAccepted)) make();
      return token;
    },
    /** APNs accepted this token. */
    accepted: (used: string) => {
      if (used === token) wasAccepted = true;
    },
    /**
     * APNs found this token too old. If our clock agrees, the monotonic one stood still, as it does while the machine
     * is suspended.
     */
    expired: (used: string) => {
      if (used === token && (mayRenew() || clock() - issuedAt >= renewAfterMs)) make();
    },
  };
};

export type ProviderToken = ReturnType<typeof createProviderToken>;
