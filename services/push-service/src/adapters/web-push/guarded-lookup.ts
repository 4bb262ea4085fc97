import { Resolver } from 'node:dns/promises';
import { isIPv4 } from 'node:net';
import type { LookupFunction } from 'node:net';
import { callbackify } from 'node:util';
import { isPublicAddress } from './public-address.ts';

/** The addresses of a host; rejects when it has none. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

/** None of the addresses of the host may be connected to. */
export class AddressNotAllowed extends Error {
  override readonly name = 'AddressNotAllowed';
}

/**
 * Looks a host up for `net.connect` and lets only public addresses through. The connection is made to these very
 * addresses, so a name that leads elsewhere a moment later (DNS rebinding) gains nothing.
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
 * By c-ares: `dns.lookup` waits in the four threads that all of Node.js shares, and anybody may name hosts whose DNS never
 * answers.
 */
const createResolve = (): Resolve => {
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  return async (hostname) => {
    const [four, six] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    const addresses = [four, six].flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
    if (addresses.length > 0) return addresses;
    throw four.status === 'rejected' ? four.reason : new Error('the host has no address');
  };
};
