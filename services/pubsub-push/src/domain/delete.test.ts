import { expect, it } from 'vitest';
import { decideDelete } from './delete.ts';
import type { PushNode } from './node.ts';

const node: PushNode = {
  host: 'h',
  node: 'n',
  owner: 'alice@localhost',
  publishModel: 'publishers',
  affiliations: { 'alice@localhost': 'owner', localhost: 'publish-only' },
  version: 5_000,
  freshAt: 5_000,
};

it('lets only an owner delete a node', () => {
  expect(decideDelete(undefined, 'alice@localhost')).toEqual({ type: 'not-found' });
  expect(decideDelete(node, 'alice@localhost')).toEqual({ type: 'delete', version: 5_000 });
  for (const other of ['bob@localhost', 'localhost', 'constructor', '__proto__'])
    expect(decideDelete(node, other)).toEqual({ type: 'forbidden' });
});
