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

describe('decideFeedback', () => {
  it('retires the node if its device was gone after an owner last created or enabled it', () => {
    expect(decideFeedback(result({ unregisteredAt: 6_000 }), node)).toEqual({ type: 'retire', version: 3, at: 6_000 });
  });
  it('takes the time of the attempt if the push service gives none', () => {
    expect(decideFeedback(result(), node)).toEqual({ type: 'retire', version: 3, at: 9_000 });
  });
  it.each([
    ['the device was gone before the owner last created the node', result({ unregisteredAt: 4_999 }), node, 'stale'],
    ['the node stands for another device now', result(), { ...node, version: 4 }, 'stale'],
    ['the node is already retired', result(), { ...node, retiredAt: 7_000 }, 'stale'],
    ['the push was never verified', result({ node: { host: 'h', node: 'n' } }), node, 'stale'],
    ['the node is gone', result(), undefined, 'gone'],
  ] as const)('does not retire if %s', (_what, about, found, type) => {
    expect(decideFeedback(about, found)).toEqual({ type });
  });
  it('retires on no other outcome', () => {
    for (const outcome of outcomes.filter((each) => each !== 'unregistered'))
      for (const end of ends.filter((each) => each !== 'unregistered'))
        expect(decideFeedback(result({ outcome, end }), node)).toEqual({ type: 'keep' });
  });
});
