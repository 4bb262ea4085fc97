import type { Result } from '@pushmesh/contracts';
import type { Settlement } from '@pushmesh/bus';
import { decideFeedback } from '../domain/retire.ts';
import type { Feedback } from '../domain/retire.ts';
import type { NodeStore } from '../ports.ts';

type Ports = {
  readonly nodes: NodeStore;
  readonly retiredKeptMs: number;
  readonly onFeedback: (decision: Feedback['type']) => void;
};

/** Handles one result: retires its node, or leaves it as it is. Idempotent. Throws `StoreUnavailable`. */
export const createFeedback =
  ({ nodes, retiredKeptMs, onFeedback }: Ports) =>
  async (result: Result): Promise<Settlement> => {
    const { host, node } = result.node;
    const feedback = decideFeedback(result, await nodes.readNode(host, node));
    if (feedback.type !== 'retire') onFeedback(feedback.type);
    else {
      const retired = await nodes.retireNode(host, node, feedback.version, feedback.at, retiredKeptMs);
      // `changed`: the node stands for another device now.
      onFeedback(retired === 'done' ? 'retire' : 'stale');
    }
    return { type: 'ack' };
  };
