import type { Options, PublishModel } from '@pushmesh/contracts';

/** What `<enable/>` at the component itself stores: (user, service, node) → options. `enabledAt` in milliseconds since 1970. */
export type Registration = {
  readonly service: string;
  readonly node: string;
  readonly options: Options;
  readonly enabledAt: number;
};

/** XEP-0060 §4.1 and XEP-0357 §3: what a push node can grant. */
export type Affiliation = 'owner' | 'publish-only';

/** One push node: one device of one user at one host. Times are milliseconds since 1970. */
export type PushNode = {
  readonly host: string;
  readonly node: string;
  /** Bare JID. */
  readonly owner: string;
  readonly publishModel: PublishModel;
  /** By bare JID or domain. */
  readonly affiliations: Readonly<Record<string, Affiliation>>;
  /** Goes up with every change that makes older results stale. */
  readonly version: number;
  /** When the owner last created the node: a device that died before that is alive again. */
  readonly freshAt: number;
  /** Fingerprint of the device that the last publish named. */
  readonly device?: string;
  readonly retiredAt?: number;
};
