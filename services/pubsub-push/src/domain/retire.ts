import { policies } from '@pushmesh/contracts';
import type { Result } from '@pushmesh/contracts';
import type { PushNode } from './node.ts';

/** What a result means for its node. */
export type Feedback =
  | { readonly type: 'retire'; readonly version: number; readonly at: number }
  /** The node has changed since the push was accepted: the result is about another device. */
  | { readonly type: 'stale' }
  /** The node no longer exists. */
  | { readonly type: 'gone' }
  | { readonly type: 'keep' };

/**
 * A node is retired only on evidence: the push service reports the device as unregistered, the node still stands for
 * that device, and the report is not about a time before an owner last created or enabled the node.
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
