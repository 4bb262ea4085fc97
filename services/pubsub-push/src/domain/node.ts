import type { Affiliation, Options, PublishModel } from '@pushmesh/contracts';

/** What `<enable/>` at the component itself stores: (user, service, node) → options. `enabledAt` in milliseconds since 1970. */
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
  /** Bare JID of its creator, against whose limit it counts, also after others have become its owners. */
  readonly owner: string;
  readonly publishModel: PublishModel;
  /** By bare JID or domain; at least one is an owner. */
  readonly affiliations: Affiliations;
  /** Digest of what a publish has to know besides. */
  readonly secret?: string;
  /** Goes up with every change but the retirement: older results are stale, and so is what was decided on it. */
  readonly version: number;
  /** When an owner last created or enabled the node: a device that died before that is alive again. */
  readonly freshAt: number;
  /** Fingerprint of the device that the last publish named. */
  readonly device?: string;
  readonly retiredAt?: number;
};

export type Affiliations = Readonly<Record<string, Affiliation>>;

/** Any JID may be asked for, `constructor` and `__proto__` too. */
export const affiliationOf = (affiliations: Affiliations, jid: string): Affiliation | undefined =>
  Object.hasOwn(affiliations, jid) ? affiliations[jid] : undefined;

/** What can be changed of a living node. */
export type NodeChanges = Partial<Pick<PushNode, 'publishModel' | 'affiliations' | 'secret' | 'freshAt'>>;
