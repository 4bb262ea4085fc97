import { Resolver } from 'node:dns/promises';
import { isIPv4 } from 'node:net';
import type { LookupFunction } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { callbackify } from 'node:util';
import { isPublicAddress } from './public-address.ts';

/** The addresses of a host; rejects if it has none. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

/** The host has no address that we may connect to. */
export class AddressNotAllowed extends Error {
  override readonly name = 'AddressNotAllowed';
}

/**
 * Looks up a host for `net.connect` and lets only public addresses through. The connection is made to these very addresses,
 * so a name that resolves differently a moment later (DNS rebinding) gains nothing.
 */
export const createGuardedLookup = (resolve: Resolve = createResolve()): LookupFunction => {
  const lookup = callbackify(async (hostname: string) => {
    const allowed = (await resolve(hostname)).filter(isPublicAddress);
    if (allowed.length === 0) throw new AddressNotAllowed('the host has no public address');
    return allowed.map((address) => ({ address, family: isIPv4(address) ? 4 : 6 }));
  });

  return (hostname, { all = false, family = 0 }, callback) =>
    lookup(hostname, (error, addresses) => {
      const wanted = addresses?.find((each) => family === 0 || family === each.family) ?? addresses?.[0];
      if (error || !wanted) return callback(error, []);
      if (all) return callback(null, addresses);
      callback(null, wanted.address, wanted.family);
    });
};

/**
 * Milliseconds to wait for the other address family once one has a public address. RFC 8305 §3 allows 50 for AAAA, which some
 * name servers never answer, and none for A. But many clusters have no way out over IPv6, and no other address can be tried
 * later here.
 */
const patienceMs = { withA: 50, withAaaa: 1_000 };

/**
 * Resolves with c-ares: `dns.lookup` blocks one of the four threads that all of Node.js shares, and anybody may name a host
 * whose DNS never answers.
 */
export const createResolve = (
  resolver: Pick<Resolver, 'resolve4' | 'resolve6'> = new Resolver({ timeout: 2_000, tries: 2 }),
): Resolve => {
  return async (hostname) => {
    const found: string[] = [];
    const ask = async (asked: Promise<readonly string[]>, ms: number): Promise<number> => {
      const addresses = await asked;
      found.push(...addresses);
      if (addresses.some(isPublicAddress)) return ms;
      throw new Error('no public address');
    };
    const families = [
      ask(resolver.resolve4(hostname), patienceMs.withA),
      ask(resolver.resolve6(hostname), patienceMs.withAaaa),
    ];
    const both = Promise.allSettled(families);
    await Promise.any(families).then(
      (ms) => Promise.race([both, pause(ms, undefined, { ref: false })]),
      () => both,
    );
    if (found.length > 0) return found;
    throw new Error('the host has no address');
  };
};
