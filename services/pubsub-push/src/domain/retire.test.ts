import { describe, expect, it } from 'vitest';
import { ends, outcomes } from '@pushmesh/contracts';
import type { Result } from '@pushmesh/contracts';
import { decideFeedback } from './retire.ts';
import type { PushNode } from './node.ts';

const node: PushNode = {
  host: 'h',
  node: 'n',
  owner: 'alice@localhost',
  publishModel: 'publishers',
  affiliations: {},
  version: 3,
  freshAt: 5_000,
};
const result = (changes: Partial<Result> = {}): Result => ({
  v: 1,
  delivery: 'd',
  node: { host: 'h', node: 'n', version: 3 },
  service: 'apns',
  mode: 'prod',
  end: 'unregistered',
  outcome: 'unregistered',
  attempt: 1,
  acceptedAt: 1,
  endedAt: 9_000,
  ...changes,
});

describe('a node is retired on evidence only', () => {
  it('when the device is gone since after the node was made fresh', () => {
    expect(decideFeedback(result({ unregisteredAt: 6_000 }), node)).toEqual({ type: 'retire', version: 3, at: 6_000 });
  });
  it('at the time of the attempt, when the push service gives none', () => {
    expect(decideFeedback(result(), node)).toEqual({ type: 'retire', version: 3, at: 9_000 });
  });
  it.each([
    ['the device was gone before the owner last created the node', result({ unregisteredAt: 4_999 }), node, 'stale'],
    ['the node stands for another device by now', result(), { ...node, version: 4 }, 'stale'],
    ['it is retired already', result(), { ...node, retiredAt: 7_000 }, 'stale'],
    ['the push was never verified', result({ node: { host: 'h', node: 'n' } }), node, 'stale'],
    ['the node is gone', result(), undefined, 'gone'],
  ] as const)('not when %s', (_what, about, found, type) => {
    expect(decideFeedback(about, found)).toEqual({ type });
  });
  it('and no other outcome ever retires', () => {
    for (const outcome of outcomes.filter((each) => each !== 'unregistered'))
      for (const end of ends.filter((each) => each !== 'unregistered'))
        expect(decideFeedback(result({ outcome, end }), node)).toEqual({ type: 'keep' });
  });
});
