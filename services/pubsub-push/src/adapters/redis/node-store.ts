import type { NodeChanges, PushNode } from '../../domain/node.ts';
import type { NodeStore } from '../../ports.ts';
import type { RedisConnection } from './connection.ts';
import { createKeys } from './keys.ts';

/** Push nodes in Redis. */
export const createNodeStore = ({ client, scripts, available }: RedisConnection, keyPrefix: string): NodeStore => {
  const keys = createKeys(keyPrefix);
  const doneOrChanged = async (code: Promise<number>) => ((await available(code)) === 1 ? 'done' : 'changed');
  return {
    readNode: async (host, node) => toNode(host, node, await available(client.hgetall(keys.node(host, node)))),
    createNode: (node, replaces) =>
      doneOrChanged(scripts['create-node'](keys.node(node.host, node.node), replaces ?? '', ...toFields(node))),
    changeNode: (host, node, version, changes) =>
      doneOrChanged(scripts['change-node'](keys.node(host, node), version, ...changedFields(changes))),
    deleteNode: (host, node, version) => doneOrChanged(scripts['delete-node'](keys.node(host, node), version)),
    renewNode: (host, node, version, device) =>
      doneOrChanged(scripts['renew-node'](keys.node(host, node), version, device)),
    retireNode: (host, node, version, at, keepMs) =>
      doneOrChanged(scripts['retire-node'](keys.node(host, node), version, at, keepMs)),
    nodesOf: (host, owner) => available(client.smembers(keys.nodesOf(host, owner))),
    addToIndex: async (host, owner, node, limit) =>
      (await available(scripts['add-to-index'](keys.nodesOf(host, owner), node, limit))) === 1,
    removeFromIndex: async (host, owner, node) => {
      await available(client.srem(keys.nodesOf(host, owner), node));
    },
  };
};

const toFields = (node: PushNode): (string | number)[] => [
  'owner',
  node.owner,
  'version',
  node.version,
  ...changedFields(node),
];

const changedFields = ({ publishModel, affiliations, secret, freshAt }: NodeChanges): (string | number)[] => [
  ...(publishModel === undefined ? [] : ['publishModel', publishModel]),
  ...(affiliations === undefined ? [] : ['affiliations', JSON.stringify(affiliations)]),
  ...(secret === undefined ? [] : ['secret', secret]),
  ...(freshAt === undefined ? [] : ['freshAt', freshAt]),
];

const toNode = (host: string, node: string, fields: Readonly<Record<string, string>>): PushNode | undefined => {
  const { owner, publishModel, affiliations, secret, version, freshAt, device, retiredAt } = fields;
  if (owner === undefined || version === undefined) return undefined;
  return {
    host,
    node,
    owner,
    publishModel: publishModel === 'open' ? 'open' : 'publishers',
    affiliations: JSON.parse(affiliations ?? '{}') as PushNode['affiliations'],
    ...(secret && { secret }),
    version: Number(version),
    freshAt: Number(freshAt),
    ...(device !== undefined && { device }),
    ...(retiredAt !== undefined && { retiredAt: Number(retiredAt) }),
  };
};
