import { timingSafeEqual } from 'node:crypto';
import type { Affiliation, PublishModel } from '@pushmesh/contracts';
import { affiliationOf } from './node.ts';
import type { Affiliations, PushNode } from './node.ts';

export type CreateFacts = {
  readonly host: string;
  readonly node: string;
  readonly owner: string;
  /** The publish model requested; if absent, a retired node keeps its own and a new node gets the default. */
  readonly publishModel?: PublishModel | undefined;
  readonly defaultPublishModel: PublishModel;
  /** A digest; empty for no secret. */
  readonly secret?: string | undefined;
  readonly now: number;
};

export type CreateDecision =
  | { readonly type: 'conflict' }
  /** Also a conflict, but proof from an owner that the device is alive. */
  | { readonly type: 'freshen'; readonly version: number }
  | { readonly type: 'create'; readonly node: PushNode; readonly replaces: number | undefined };

/**
 * Creates a new node, or revives a retired one for its owner: the device was gone, and its owner says that it is back.
 * The node is revived with its old settings, because the verdict of a push service must not change who may publish. An
 * existing node is a conflict for everybody, including its owner; clients create theirs every time they start.
 */
export const decideCreate = (found: PushNode | undefined, facts: CreateFacts): CreateDecision => {
  const { host, node, owner, defaultPublishModel, now } = facts;
  const isOwn = found !== undefined && isOwner(found, owner);
  if (found && !isOwn) return { type: 'conflict' };
  if (found && found.retiredAt === undefined) return { type: 'freshen', version: found.version };
  const base = found ?? { owner, publishModel: defaultPublishModel, affiliations: initialAffiliations(owner) };
  const secret = facts.secret ?? found?.secret;
  return {
    type: 'create',
    replaces: found?.version,
    node: {
      host,
      node,
      owner: base.owner,
      publishModel: facts.publishModel ?? base.publishModel,
      affiliations: base.affiliations,
      ...(secret && { secret }),
      // Never a version that an earlier node of this name had: a result about that node must not match this one.
      version: Math.max(now, (found?.version ?? 0) + 1),
      freshAt: now,
    },
  };
};

/** The creator owns the node; the creator's XMPP server may publish to it (XEP-0357 §3). */
const initialAffiliations = (owner: string): Affiliations => ({
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

const domainOf = (bareJid: string): string => bareJid.slice(bareJid.indexOf('@') + 1);
