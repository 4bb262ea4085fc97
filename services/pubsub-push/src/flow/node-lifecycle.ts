import { decideCreate } from '../domain/create.ts';
import { decideDelete } from '../domain/delete.ts';
import { isOwner } from '../domain/node.ts';
import { reply } from './handler.ts';
import type { CommandSettings, Handler, Ports } from './handler.ts';
import { createNodeIndex } from './node-index.ts';

/** Creates a push node, unless its owner already has `MAX_NODES_PER_OWNER` of them. */
export const createNode = (
  { nodes, clock }: Pick<Ports, 'nodes' | 'clock'>,
  { PUBLISH_MODEL, MAX_NODES_PER_OWNER }: Pick<CommandSettings, 'PUBLISH_MODEL' | 'MAX_NODES_PER_OWNER'>,
): Handler<'create-node'> => {
  const index = createNodeIndex(nodes);
  return async ({ host, node, owner: requester, publishModel, secret }) => {
    const decision = decideCreate(await nodes.readNode(host, node), {
      host,
      node,
      owner: requester,
      publishModel,
      defaultPublishModel: PUBLISH_MODEL,
      secret,
      now: clock(),
    });
    if (decision.type === 'conflict') return reply('conflict');
    if (decision.type === 'freshen') {
      const freshened = await nodes.changeNode(host, node, decision.version, { freshAt: clock() });
      return freshened === 'done' ? reply('conflict') : 'again';
    }
    // The index comes first: a node that is missing from it could never be listed.
    const { owner } = decision.node;
    if (!(await index.reserve(host, owner, node, MAX_NODES_PER_OWNER))) return reply('too-many');
    if ((await nodes.createNode(decision.node, decision.replaces)) === 'changed') return 'again';
    // Once more, because a replica that read the index before the node existed has removed the name.
    await index.confirm(host, owner, node);
    return reply('created');
  };
};

/** Deletes a push node for one of its owners. */
export const deleteNode = ({ nodes }: Pick<Ports, 'nodes'>): Handler<'delete-node'> => {
  const index = createNodeIndex(nodes);
  return async ({ host, node, requester }) => {
    const found = await nodes.readNode(host, node);
    const decision = decideDelete(found, requester);
    if (decision.type !== 'delete') return reply(decision.type);
    if ((await nodes.deleteNode(host, node, decision.version)) === 'changed') return 'again';
    if (found) await index.remove(host, found.owner, node);
    return reply('deleted');
  };
};

/** Lists the push nodes that `owner` created at `host` and still owns, without those that are retired. */
export const listNodes = ({ nodes }: Pick<Ports, 'nodes'>): Handler<'list-nodes'> => {
  const index = createNodeIndex(nodes);
  return async ({ host, owner }) => {
    const own = await index.list(host, owner);
    const inUse = own.filter((node) => node.retiredAt === undefined && isOwner(node, owner));
    return { v: 1, type: 'nodes', nodes: inUse.map(({ node }) => node).toSorted() };
  };
};
