import { timingSafeEqual } from 'node:crypto';
import type { Affiliation } from '@pushmesh/contracts';
import { affiliationOf } from './node.ts';
import type { PushNode } from './node.ts';

export type AuthorisationDecision =
  | { readonly type: 'not-found' | 'forbidden' }
  | { readonly type: 'allowed'; readonly version: number }
  /** Allowed, once it is recorded that the node now stands for this device. */
  | { readonly type: 'renew'; readonly version: number; readonly device: string };

/** A publish, as the command `authorise-publish` describes it. */
export type PublishToAuthorise = {
  readonly publisher: string;
  readonly device?: string | undefined;
  readonly secret?: string | undefined;
};

/**
 * Decides whether `publisher` may publish to this node, for this device. A publish for another device than the last one
 * gives the node a new version: results about the old device become stale, and a node that was retired because the old
 * device was gone is in use again.
 */
export const decideAuthorisation = (
  found: PushNode | undefined,
  { publisher, device, secret }: PublishToAuthorise,
  trustedDomains: ReadonlySet<string>,
): AuthorisationDecision => {
  if (!found) return { type: 'not-found' };
  const sameDevice = device === undefined || device === found.device;
  if (found.retiredAt !== undefined && sameDevice) return { type: 'not-found' };
  const allowed = (trustedDomains.has(publisher) || mayPublish(found, publisher)) && knowsSecret(found, secret);
  if (!allowed) return { type: found.retiredAt === undefined ? 'forbidden' : 'not-found' };
  return sameDevice ? { type: 'allowed', version: found.version } : { type: 'renew', version: found.version, device };
};

const publishers: ReadonlySet<Affiliation | undefined> = new Set(['owner', 'publisher', 'publish-only'] as const);

/** XEP-0060 §4.1. In MongooseIM an open node is open even to outcasts; here the owner's decision counts. */
const mayPublish = ({ publishModel, affiliations }: PushNode, publisher: string): boolean => {
  const affiliation = affiliationOf(affiliations, publisher);
  return publishers.has(affiliation) || (publishModel === 'open' && affiliation !== 'outcast');
};

/** XEP-0357 §3: a server publishes for all of its users, so its name alone does not prove whose push it is. */
const knowsSecret = ({ secret }: PushNode, given: string | undefined): boolean => {
  // An absent secret passes: it comes from a gateway that is older than secrets. Every other one says at least "" (none).
  if (secret === undefined || given === undefined) return true;
  const [expected, actual] = [Buffer.from(secret), Buffer.from(given)];
  return expected.length === actual.length && timingSafeEqual(expected, actual);
};
