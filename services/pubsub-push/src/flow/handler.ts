import type { Command, CommandType, Reply, ReplyTo } from '@pushmesh/contracts';
import type { PubsubPushConfig } from '../config.ts';
import type { NodeStore, RegistrationStore } from '../ports.ts';

export type Ports = {
  readonly nodes: NodeStore;
  readonly registrations: RegistrationStore;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
};

export type CommandSettings = Pick<
  PubsubPushConfig,
  'PUBLISH_MODEL' | 'MAX_NODES_PER_OWNER' | 'MAX_REGISTRATIONS_PER_USER' | 'trustedDomains'
>;

/**
 * Executes one command: reads what the decision needs, decides, and writes. `again`: the node changed between reading
 * and writing, so the command must be executed again. Throws `StoreUnavailable`.
 */
export type Handler<K extends CommandType> = (
  command: Command<K>,
) => Promise<Extract<Reply, { readonly type: ReplyTo[K] }> | 'again'>;

/** A reply that says nothing but its type. */
export const reply = <T extends Reply['type']>(type: T) => ({ v: 1 as const, type });
