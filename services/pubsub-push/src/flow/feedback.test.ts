import { expect, it } from 'vitest';
import type { Result } from '@pushmesh/contracts';
import { createMemoryStore } from '../../testing/memory-store.ts';
import { createFeedback } from './feedback.ts';

const result: Result = {
  v: 1,
  delivery: 'd1',
  node: { host: 'h', node: 'n', version: 1 },
  service: 'apns',
  mode: 'prod',
  end: 'unregistered',
  outcome: 'unregistered',
  attempt: 1,
  acceptedAt: 1,
  endedAt: 9_000,
};

it.each(['done', 'changed'] as const)('counts what was actually stored: %s', async (stored) => {
  const nodes = createMemoryStore();
  await nodes.createNode(
    { host: 'h', node: 'n', owner: 'a@h', version: 1, freshAt: 1, publishModel: 'publishers', affiliations: {} },
    undefined,
  );
  const counted: string[] = [];
  const feedback = createFeedback({
    nodes: { ...nodes, retireNode: () => Promise.resolve(stored) },
    retiredKeptMs: 60_000,
    onFeedback: (decision) => counted.push(decision),
  });
  expect(await feedback(result)).toEqual({ type: 'ack' });
  expect(counted).toEqual([stored === 'done' ? 'retire' : 'stale']);
});
