import type { PushNode } from '../domain/node.ts';
import type { NodeStore } from '../ports.ts';

/**
 * The index of each owner's nodes. A node and the index are two keys, so they cannot change in one step; between the
 * two steps another replica may see one without the other. The index may hold the name of a node that does not exist,
 * but in the end no node may be missing from it.
 */
export type NodeIndex = {
  /** Adds the name of a node that is about to be created; `false` if the owner already has `limit` nodes. */
  reserve(host: string, owner: string, name: string, limit: number): Promise<boolean>;
  /** Adds the name of a node that exists, whatever the limit. */
  confirm(host: string, owner: string, name: string): Promise<void>;
  /** Removes the name of a node that no longer exists or has another owner. */
  remove(host: string, owner: string, name: string): Promise<void>;
  /** The owner's nodes, read from the store; removes the names of all others from the index. */
  list(host: string, owner: string): Promise<readonly PushNode[]>;
};

export const createNodeIndex = (nodes: NodeStore): NodeIndex => {
  const index: NodeIndex = {
    reserve: async (host, owner, name, limit) => {
      if (await nodes.addToIndex(host, owner, name, limit)) return true;
      await index.list(host, owner);
      return nodes.addToIndex(host, owner, name, limit);
    },

    confirm: async (host, owner, name) => {
      await nodes.addToIndex(host, owner, name, noLimit);
    },

    remove: async (host, owner, name) => {
      await nodes.removeFromIndex(host, owner, name);
      // The node may have been created in the meantime, so it is read again. A later creation confirms the name itself.
      const found = await nodes.readNode(host, name);
      if (found?.owner === owner) await index.confirm(host, owner, name);
    },

    list: async (host, owner) => {
      const names = await nodes.nodesOf(host, owner);
      const found = await Promise.all(names.map((name) => nodes.readNode(host, name)));
      const own = found.filter((node): node is PushNode => node?.owner === owner);
      const kept = new Set(own.map(({ node }) => node));
      for (const name of names) if (!kept.has(name)) await index.remove(host, owner, name);
      return own;
    },
  };
  return index;
};

const noLimit = Number.MAX_SAFE_INTEGER;
