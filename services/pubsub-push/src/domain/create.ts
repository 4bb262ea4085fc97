// XEP-0060 §8.1 and XEP-0357 §5: a client creates its push node
import type { PublishModel } from '@pushmesh/contracts';
import { isOwner } from './node.ts';
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

const domainOf = (bareJid: string): string => bareJid.slice(bareJid.indexOf('@') + 1);
