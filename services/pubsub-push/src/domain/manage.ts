import { timingSafeEqual } from 'node:crypto';
import type { Affiliation, PublishModel } from '@pushmesh/contracts';
import { affiliationOf } from './node.ts';
import type { Affiliations, PushNode } from './node.ts';

export type CreateFacts = {
  readonly host: string;
  readonly node: string;
  readonly owner: string;
  /** What the create asks for; absent: what the node had, or the default of a new one. */
  readonly publishModel?: PublishModel | undefined;
  readonly defaultPublishModel: PublishModel;
  /** A digest; empty: none. */
  readonly secret?: string | undefined;
  readonly now: number;
};

export type CreateDecision =
  | { readonly type: 'conflict' }
  /** A conflict as well, and the word of an owner that the device lives. */
  | { readonly type: 'freshen'; readonly version: number }
  | { readonly type: 'create'; readonly node: PushNode; readonly replaces: number | undefined };

/**
 * Creates a node that does not exist, or brings an owner’s retired one back: its device was dead, and its owner says that it
 * lives. It comes back as it was: who may publish to it is not the push service’s to change. An existing node is a conflict
 * for everybody, its owner included; clients create theirs at each start.
 */
export const decideCreate = (found: PushNode | undefined, facts: CreateFacts): CreateDecision => {
  const { host, node, owner, defaultPublishModel, now } = facts;
  const isOwn = found !== undefined && isOwner(found, owner);
  if (found && !isOwn) return { type: 'conflict' };
  if (found && found.retiredAt === undefined) return { type: 'freshen', version: found.version };
  const before = found ?? { owner, publishModel: defaultPublishModel, affiliations: firstAffiliations(owner) };
  const secret = facts.secret ?? found?.secret;
  return {
    type: 'create',
    replaces: found?.version,
    node: {
      host,
      node,
      owner: before.owner,
      publishModel: facts.publishModel ?? before.publishModel,
      affiliations: before.affiliations,
      ...(secret && { secret }),
      // Never a version that an earlier node of this name had: a result about that one must not fit this one.
      version: Math.max(now, (found?.version ?? 0) + 1),
      freshAt: now,
    },
  };
};

/** The creator owns the node; the creator’s XMPP server may publish to it (XEP-0357 §3). */
const firstAffiliations = (owner: string): Affiliations => ({
  [domainOf(owner)]: 'publish-only',
  [owner]: 'owner',
});

export const isOwner = ({ affiliations }: PushNode, jid: string): boolean =>
  affiliationOf(affiliations, jid) === 'owner';

export const decideDelete = (
  found: PushNode | undefined,
  requester: string,
): { readonly type: 'not-found' | 'forbidden' } | { readonly type: 'delete'; readonly version: number } => {
  if (!found) return { type: 'not-found' };
  if (!isOwner(found, requester)) return { type: 'forbidden' };
  return { type: 'delete', version: found.version };
};

export type AuthorisationDecision =
  | { readonly type: 'not-found' | 'forbidden' }
  | { readonly type: 'allowed'; readonly version: number }
  /** Allowed, once it is recorded that the node stands for this device. */
  | { readonly type: 'renew'; readonly version: number; readonly device: string };

/** A publish, as the command `authorise-publish` describes it. */
export type PublishToAuthorise = {
  readonly publisher: string;
  readonly device?: string | undefined;
  readonly secret?: string | undefined;
};

/**
 * May `publisher` publish to this node, for this device? A publish that names another device than the last one makes
 * it another version: results about the old device are stale from then on, and a node that was retired because the old
 * device died is in use again.
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

/** XEP-0060 §4.1. In MongooseIM an open node is open to outcasts as well; here the word of the owner counts. */
const mayPublish = ({ publishModel, affiliations }: PushNode, publisher: string): boolean => {
  const affiliation = affiliationOf(affiliations, publisher);
  return publishers.has(affiliation) || (publishModel === 'open' && affiliation !== 'outcast');
};

/** XEP-0357 §3: a server publishes for all of its users, so its name alone does not tell whose push it is. */
const knowsSecret = ({ secret }: PushNode, given: string | undefined): boolean => {
  // An absent secret passes: it comes from a gateway that is older than secrets. Every other one says at least "" (none).
  if (secret === undefined || given === undefined) return true;
  const [wanted, shown] = [Buffer.from(secret), Buffer.from(given)];
  return wanted.length === shown.length && timingSafeEqual(wanted, shown);
};

const domainOf = (bareJid: string): string => bareJid.slice(bareJid.indexOf('@') + 1);
