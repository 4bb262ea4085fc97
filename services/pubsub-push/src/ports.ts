import type { NodeChanges, PushNode, Registration } from './domain/node.ts';

/** The store did not answer, or answered with an error: the caller replies `unavailable` or tries again later. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/**
 * Where push nodes are stored. Every write is one atomic step that takes the version that the decision was based on; if
 * the node has another version by now, the write changes nothing and returns `changed`. Any function may throw
 * `StoreUnavailable`.
 */
export type NodeStore = {
  readNode(host: string, node: string): Promise<PushNode | undefined>;
  /** Stores a new node, or replaces exactly the version `replaces` of it (a retired node that is created again). */
  createNode(node: PushNode, replaces: number | undefined): Promise<'done' | 'changed'>;
  /** Writes `changes` (an empty secret removes it) to a node that is not retired; increments the version. */
  changeNode(host: string, node: string, version: number, changes: NodeChanges): Promise<'done' | 'changed'>;
  deleteNode(host: string, node: string, version: number): Promise<'done' | 'changed'>;
  /** Records that the node now stands for another device; increments the version and undoes a retirement. */
  renewNode(host: string, node: string, version: number, device: string): Promise<'done' | 'changed'>;
  /** Marks the node as retired at `at` (milliseconds since 1970); it is forgotten after `keepMs`. */
  retireNode(host: string, node: string, version: number, at: number, keepMs: number): Promise<'done' | 'changed'>;
  /** The owner's index: names of nodes that `owner` created at `host`. Some may no longer exist. */
  nodesOf(host: string, owner: string): Promise<readonly string[]>;
  /** Adds a name to the owner's index unless it holds `limit` names; returns whether the name is in it now. */
  addToIndex(host: string, owner: string, node: string, limit: number): Promise<boolean>;
  removeFromIndex(host: string, owner: string, node: string): Promise<void>;
};

/** Where registrations are stored, all of one user together. Any function may throw `StoreUnavailable`. */
export type RegistrationStore = {
  /** Stores or replaces the registration of (user, service, node), unless the user would have more than `limit`. */
  enable(user: string, registration: Registration, limit: number): Promise<'done' | 'too-many'>;
  /** Removes one registration, or without `node` all of that service; returns how many were removed. */
  disable(user: string, service: string, node: string | undefined): Promise<number>;
  registrationsOf(user: string): Promise<readonly Registration[]>;
};
