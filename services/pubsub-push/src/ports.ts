import type { NodeChanges, PushNode, Registration } from './domain/node.ts';

/** The store did not answer, or answered an error: the caller replies `unavailable` or tries again later. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/**
 * Where push nodes live. Every write is one atomic step that compares the version it was decided on; a write that
 * finds another version changes nothing and says so. All functions may throw `StoreUnavailable`.
 */
export type NodeStore = {
  readNode(host: string, node: string): Promise<PushNode | undefined>;
  /** Stores a node that does not exist, or that has exactly version `replaces` (a retired one that comes back). */
  createNode(node: PushNode, replaces: number | undefined): Promise<'done' | 'changed'>;
  /** Writes `changes`, an empty secret to have none, to a node that is not retired; the version goes up by one. */
  changeNode(host: string, node: string, version: number, changes: NodeChanges): Promise<'done' | 'changed'>;
  deleteNode(host: string, node: string, version: number): Promise<'done' | 'changed'>;
  /** Records that the node now stands for another device; the version goes up by one, a retirement is undone. */
  renewNode(host: string, node: string, version: number, device: string): Promise<'done' | 'changed'>;
  /** Marks the node as retired at `at` (milliseconds); it is forgotten after `keepMs`. */
  retireNode(host: string, node: string, version: number, at: number, keepMs: number): Promise<'done' | 'changed'>;
  /** Names that `owner` created at `host` and that may still exist: the owner’s index, not the truth. */
  nodesOf(host: string, owner: string): Promise<readonly string[]>;
  /** Adds to the owner’s index unless it has `limit` names; `true` when the name is in it now. */
  addToIndex(host: string, owner: string, node: string, limit: number): Promise<boolean>;
  removeFromIndex(host: string, owner: string, node: string): Promise<void>;
};

/** Where registrations live: all of one user together. All functions may throw `StoreUnavailable`. */
export type RegistrationStore = {
  /** Stores or replaces the registration of (user, service, node), unless it would be one more than `limit`. */
  enable(user: string, registration: Registration, limit: number): Promise<'done' | 'too-many'>;
  /** Removes one registration, or without `node` all of that service; returns how many. */
  disable(user: string, service: string, node: string | undefined): Promise<number>;
  registrationsOf(user: string): Promise<readonly Registration[]>;
};
