import type { Affiliation, Options, PublishModel } from '@pushmesh/contracts';

/** What `<enable/>` sent to the component itself stores for a user. `enabledAt` in milliseconds since 1970. */
export type Registration = {
  readonly service: string;
  readonly node: string;
  readonly options: Options;
  readonly enabledAt: number;
};

/** One push node: one device of one user at one host. Times are milliseconds since 1970. */
export type PushNode = {
  readonly host: string;
  readonly node: string;
  /** Bare JID of the creator. The node counts against the creator's limit even if others own it now. */
  readonly owner: string;
  readonly publishModel: PublishModel;
  /** By bare JID or domain; at least one of them is an owner. */
  readonly affiliations: Affiliations;
  /** Digest of the secret that a publish must know, if there is one. */
  readonly secret?: string;
  /** Incremented by every change except retirement: results and decisions based on an older version are stale. */
  readonly version: number;
  /** When an owner last created or enabled the node: evidence from before that no longer counts against the device. */
  readonly freshAt: number;
  /** Fingerprint of the device that the last publish was for. */
  readonly device?: string;
  readonly retiredAt?: number;
};

export type Affiliations = Readonly<Record<string, Affiliation>>;

/** Safe for any JID, including `constructor` and `__proto__`. */
export const affiliationOf = (affiliations: Affiliations, jid: string): Affiliation | undefined =>
  Object.hasOwn(affiliations, jid) ? affiliations[jid] : undefined;

export const isOwner = ({ affiliations }: PushNode, jid: string): boolean =>
  affiliationOf(affiliations, jid) === 'owner';

/** What can be changed in a node that is not retired. */
export type NodeChanges = Partial<Pick<PushNode, 'publishModel' | 'affiliations' | 'secret' | 'freshAt'>>;
