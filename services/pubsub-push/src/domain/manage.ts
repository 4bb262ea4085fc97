import type { PublishModel } from '@pushmesh/contracts';
import type { Affiliation, PushNode } from './node.ts';

export type CreateFacts = {
  readonly host: string;
  readonly node: string;
  readonly owner: string;
  readonly publishModel: PublishModel;
  readonly now: number;
};

export type CreateDecision =
  | { readonly type: 'conflict' }
  | { readonly type: 'create'; readonly node: PushNode; readonly replaces: number | undefined };

/**
 * Creates a node that does not exist, or brings the owner’s own retired one back: its device was dead, and its owner
 * says that it lives. An existing node is a conflict for everybody, its owner included (design §4).
 */
export const decideCreate = (found: PushNode | undefined, facts: CreateFacts): CreateDecision => {
  const { host, node, owner, publishModel, now } = facts;
  const comesBack = found?.retiredAt !== undefined && found.owner === owner;
  if (found && !comesBack) return { type: 'conflict' };
  return {
    type: 'create',
    replaces: found?.version,
    node: {
      host,
      node,
      owner,
      publishModel,
      affiliations: firstAffiliations(owner),
      // Never a version that an earlier node of this name had: a result about that one must not fit this one.
      version: Math.max(now, (found?.version ?? 0) + 1),
      freshAt: now,
    },
  };
};

/** The creator owns the node; the creator’s XMPP server may publish to it (XEP-0357 §3). */
const firstAffiliations = (owner: string): Readonly<Record<string, Affiliation>> => ({
  [domainOf(owner)]: 'publish-only',
  [owner]: 'owner',
});

export const decideDelete = (
  found: PushNode | undefined,
  requester: string,
): { readonly type: 'not-found' | 'forbidden' } | { readonly type: 'delete'; readonly version: number } => {
  if (!found) return { type: 'not-found' };
  if (found.affiliations[requester] !== 'owner') return { type: 'forbidden' };
  return { type: 'delete', version: found.version };
};

export type Authorisation =
  | { readonly type: 'not-found' | 'forbidden' }
  | { readonly type: 'allowed'; readonly version: number }
  /** Allowed, once the node is recorded to stand for this device. */
  | { readonly type: 'renew'; readonly version: number; readonly device: string };

/**
 * May `publisher` publish to this node, for this device? A publish that names another device than the last one makes
 * it another version: results about the old device are stale from then on, and a node that was retired because the old
 * device died is in use again.
 */
export const decideAuthorisation = (
  found: PushNode | undefined,
  publisher: string,
  device: string | undefined,
  trustedDomains: ReadonlySet<string>,
): Authorisation => {
  if (!found) return { type: 'not-found' };
  const sameDevice = device === undefined || device === found.device;
  if (found.retiredAt !== undefined && sameDevice) return { type: 'not-found' };
  const allowed =
    found.publishModel === 'open' || Object.hasOwn(found.affiliations, publisher) || trustedDomains.has(publisher);
  if (!allowed) return { type: found.retiredAt === undefined ? 'forbidden' : 'not-found' };
  return sameDevice ? { type: 'allowed', version: found.version } : { type: 'renew', version: found.version, device };
};

const domainOf = (bareJid: string): string => bareJid.slice(bareJid.indexOf('@') + 1);
