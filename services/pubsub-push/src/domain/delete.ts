// XEP-0060 §8.4: an owner deletes a push node
import { isOwner } from './node.ts';
import type { PushNode } from './node.ts';

export const decideDelete = (
  found: PushNode | undefined,
  requester: string,
): { readonly type: 'not-found' | 'forbidden' } | { readonly type: 'delete'; readonly version: number } => {
  if (!found) return { type: 'not-found' };
  if (!isOwner(found, requester)) return { type: 'forbidden' };
  return { type: 'delete', version: found.version };
};
