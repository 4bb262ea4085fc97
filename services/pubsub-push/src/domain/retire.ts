import { policies } from '@pushmesh/contracts';
import type { Result } from '@pushmesh/contracts';
import type { PushNode } from './node.ts';

/** What a result means for the node it is about. */
export type Feedback =
  | { readonly type: 'retire'; readonly version: number; readonly at: number }
  /** The node changed since the push was accepted: what the result says is about another device. */
  | { readonly type: 'stale' }
  /** The node no longer exists. */
  | { readonly type: 'gone' }
  | { readonly type: 'keep' };

/**
 * A node is retired on evidence only: the push service says that the device is unregistered, it says so of the device
 * that the node still stands for, and not of a time before the owner last created the node.
 */
export const decideFeedback = (result: Result, found: PushNode | undefined): Feedback => {
  const { version } = result.node;
  const policy = policies[result.outcome];
  const retires = policy.step === 'end' && policy.retires;
  if (!retires) return { type: 'keep' };
  if (version === undefined) return { type: 'stale' };
  if (!found) return { type: 'gone' };
  const at = result.unregisteredAt ?? result.endedAt;
  if (found.version !== version || at < found.freshAt || found.retiredAt !== undefined) return { type: 'stale' };
  return { type: 'retire', version, at };
};
