import { createHash } from 'node:crypto';
import type { Problem } from '@pushmesh/config';

/** Credentials as their files hold them now. */
export type Loaded<C> = {
  /** Covers everything that was read: a different digest is a change. */
  readonly digest: string;
  readonly read:
    | {
        readonly ok: true;
        readonly credentials: C;
        /** When one of the files last changed, in milliseconds since 1970; absent where they do not come from files. */
        readonly changedAt?: number;
        /** When a certificate expires, in milliseconds since 1970. */
        readonly expiresAt?: number;
      }
    | { readonly ok: false; readonly problems: readonly Problem[] };
};

export const digestOf = (parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url');

/**
 * The credentials of a pool whose credentials could be read.
 *
 * @throws {Error} if they could not: that is a problem of the configuration, and such a pool never gets this far
 */
export const credentialsOf = <C>({ name, loaded }: { readonly name: string; readonly loaded: Loaded<C> }): C => {
  if (!loaded.read.ok) throw new Error(`the pool ${name} has no credentials`);
  return loaded.read.credentials;
};
