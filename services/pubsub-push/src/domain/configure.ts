// XEP-0060 §8.2 and §8.9: an owner reads or changes the configuration and affiliations of a push node
import { maxAffiliations } from '@pushmesh/contracts';
import type { Affiliation, Command } from '@pushmesh/contracts';
import { isOwner } from './node.ts';
import type { NodeChanges, PushNode } from './node.ts';

type Refusal = { readonly type: 'not-found' | 'forbidden' };

/** Whether `requester` may read the node: it must exist, not be retired, and be owned by the requester. */
export const decideRead = (
  found: PushNode | undefined,
  requester: string,
): Refusal | { readonly type: 'read'; readonly node: PushNode } => {
  if (!found || found.retiredAt !== undefined) return { type: 'not-found' };
  return isOwner(found, requester) ? { type: 'read', node: found } : { type: 'forbidden' };
};

type Change =
  { readonly type: 'unchanged' } | { readonly type: 'change'; readonly version: number; readonly changes: NodeChanges };

/** Applies all of the changes or none. At least one owner must remain, and a node has a limit on its affiliations. */
export const decideAffiliations = (
  found: PushNode | undefined,
  requester: string,
  changes: Command<'set-affiliations'>['affiliations'],
): Refusal | Change | { readonly type: 'too-many' } | { readonly type: 'last-owner'; readonly owners: string[] } => {
  const read = decideRead(found, requester);
  if (read.type !== 'read') return read;
  const before = new Map(Object.entries(read.node.affiliations));
  const after = new Map(before);
  for (const { jid, affiliation } of changes) {
    if (affiliation === 'none') after.delete(jid);
    else after.set(jid, affiliation);
  }
  if (ownersIn(after).length === 0) return { type: 'last-owner', owners: ownersIn(before) };
  const affiliations = Object.fromEntries(after);
  if (after.size > maxAffiliations || JSON.stringify(affiliations).length > maxAffiliationsLength)
    return { type: 'too-many' };
  const isSame =
    after.size === before.size && [...after].every(([jid, affiliation]) => before.get(jid) === affiliation);
  return changeOf(read.node, isSame ? {} : { affiliations });
};

/** All affiliations of a node as JSON, in characters: they are read with every publish. */
const maxAffiliationsLength = 8_192;

const ownersIn = (affiliations: ReadonlyMap<string, Affiliation>): string[] =>
  [...affiliations].filter(([, affiliation]) => affiliation === 'owner').map(([jid]) => jid);

export const decideConfiguration = (
  found: PushNode | undefined,
  requester: string,
  { publishModel, secret }: Pick<Command<'set-configuration'>, 'publishModel' | 'secret'>,
): Refusal | Change => {
  const read = decideRead(found, requester);
  if (read.type !== 'read') return read;
  const { node } = read;
  return changeOf(node, {
    ...(publishModel !== undefined && publishModel !== node.publishModel && { publishModel }),
    ...(secret !== undefined && secret !== (node.secret ?? '') && { secret }),
  });
};

/** A request that changes nothing writes nothing: clients configure their node every time they start. */
const changeOf = ({ version }: PushNode, changes: NodeChanges): Change =>
  Object.keys(changes).length === 0 ? { type: 'unchanged' } : { type: 'change', version, changes };
