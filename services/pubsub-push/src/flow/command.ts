import type { Command, CommandType, Reply, ReplyTo } from '@pushmesh/contracts';
import type { PubsubPushConfig } from '../config.ts';
import { decideAffiliations, decideConfiguration, decideRead } from '../domain/configure.ts';
import { decideAuthorisation, decideCreate, decideDelete, isOwner } from '../domain/manage.ts';
import type { PushNode } from '../domain/node.ts';
import type { NodeStore, RegistrationStore } from '../ports.ts';

type Ports = { readonly nodes: NodeStore; readonly registrations: RegistrationStore; readonly clock: () => number };
export type CommandSettings = Pick<
  PubsubPushConfig,
  'PUBLISH_MODEL' | 'MAX_NODES_PER_OWNER' | 'MAX_REGISTRATIONS_PER_USER'
> & {
  readonly trustedDomains: ReadonlySet<string>;
};

/** How often a command is decided anew because the node changed between reading and writing. */
const tries = 4;

/** For a node that exists: its name belongs into the index, whatever else is there. */
const noLimit = Number.MAX_SAFE_INTEGER;

/** Every command: read what the decision needs, decide, write. Throws `StoreUnavailable` when the store is away. */
export const createCommands = ({ nodes, registrations, clock }: Ports, settings: CommandSettings) => {
  /**
   * Takes the name of a node that was not there out of the index. Node and index are two keys: the node may have been
   * created since, so it is read once more. One that is created even later puts its name back itself.
   */
  const leaveIndex = async (host: string, owner: string, name: string): Promise<void> => {
    await nodes.removeFromIndex(host, owner, name);
    const found = await nodes.readNode(host, name);
    if (found?.owner === owner) await nodes.addToIndex(host, owner, name, noLimit);
  };

  /** The owner’s nodes; names of nodes that are gone, or somebody else’s by now, leave the index. */
  const tidyIndex = async (host: string, owner: string): Promise<readonly PushNode[]> => {
    const names = await nodes.nodesOf(host, owner);
    const found = await Promise.all(names.map((name) => nodes.readNode(host, name)));
    const own = found.filter((node): node is PushNode => node?.owner === owner);
    const kept = new Set(own.map(({ node }) => node));
    for (const name of names) if (!kept.has(name)) await leaveIndex(host, owner, name);
    return own;
  };

  /** The owner says that the device lives: what is known of it from before does not count any more. */
  const freshen = (host: string, node: string, version: number): Promise<'done' | 'changed'> =>
    nodes.changeNode(host, node, version, { freshAt: clock() });

  const handlers: {
    readonly [K in CommandType]: (
      command: Command<K>,
    ) => Promise<Extract<Reply, { readonly type: ReplyTo[K] }> | 'again'>;
  } = {
    'create-node': async ({ host, node, owner: requester, publishModel, secret }) => {
      const decision = decideCreate(await nodes.readNode(host, node), {
        host,
        node,
        owner: requester,
        publishModel,
        defaultPublishModel: settings.PUBLISH_MODEL,
        secret,
        now: clock(),
      });
      if (decision.type === 'conflict') return reply('conflict');
      if (decision.type === 'freshen')
        return (await freshen(host, node, decision.version)) === 'done' ? reply('conflict') : 'again';
      // The index first: a node that is missing in it could never be listed.
      const { owner } = decision.node;
      const limit = settings.MAX_NODES_PER_OWNER;
      if (!(await nodes.addToIndex(host, owner, node, limit))) {
        await tidyIndex(host, owner);
        if (!(await nodes.addToIndex(host, owner, node, limit))) return reply('too-many');
      }
      if ((await nodes.createNode(decision.node, decision.replaces)) === 'changed') return 'again';
      // And once more: who looked between the two saw a name without a node, and took it out.
      await nodes.addToIndex(host, owner, node, noLimit);
      return reply('created');
    },

    'delete-node': async ({ host, node, requester }) => {
      const found = await nodes.readNode(host, node);
      const decision = decideDelete(found, requester);
      if (decision.type !== 'delete') return reply(decision.type);
      if ((await nodes.deleteNode(host, node, decision.version)) === 'changed') return 'again';
      if (found) await leaveIndex(host, found.owner, node);
      return reply('deleted');
    },

    'authorise-publish': async ({ host, node, ...publish }) => {
      const decision = decideAuthorisation(await nodes.readNode(host, node), publish, settings.trustedDomains);
      if (decision.type === 'allowed') return { v: 1, type: 'allowed', version: decision.version };
      if (decision.type !== 'renew') return reply(decision.type);
      const renewed = await nodes.renewNode(host, node, decision.version, decision.device);
      return renewed === 'done' ? { v: 1, type: 'allowed', version: decision.version + 1 } : 'again';
    },

    'get-affiliations': async ({ host, node, requester }) => {
      const decision = decideRead(await nodes.readNode(host, node), requester);
      if (decision.type !== 'read') return reply(decision.type);
      const affiliations = Object.entries(decision.node.affiliations);
      return {
        v: 1,
        type: 'affiliations',
        affiliations: affiliations.map(([jid, affiliation]) => ({ jid, affiliation })),
      };
    },

    'set-affiliations': async ({ host, node, requester, affiliations }) => {
      const decision = decideAffiliations(await nodes.readNode(host, node), requester, affiliations);
      if (decision.type === 'unchanged') return reply('updated');
      if (decision.type === 'last-owner') return { v: 1, type: 'last-owner', owners: decision.owners };
      if (decision.type !== 'change') return reply(decision.type);
      const changed = await nodes.changeNode(host, node, decision.version, decision.changes);
      return changed === 'done' ? reply('updated') : 'again';
    },

    'get-configuration': async ({ host, node, requester }) => {
      const decision = decideRead(await nodes.readNode(host, node), requester);
      if (decision.type !== 'read') return reply(decision.type);
      return { v: 1, type: 'configuration', publishModel: decision.node.publishModel };
    },

    'set-configuration': async ({ host, node, requester, ...wanted }) => {
      const decision = decideConfiguration(await nodes.readNode(host, node), requester, wanted);
      if (decision.type === 'unchanged') return reply('updated');
      if (decision.type !== 'change') return reply(decision.type);
      const changed = await nodes.changeNode(host, node, decision.version, decision.changes);
      return changed === 'done' ? reply('updated') : 'again';
    },

    'list-nodes': async ({ host, owner }) => {
      const own = await tidyIndex(host, owner);
      const living = own.filter((node) => node.retiredAt === undefined && isOwner(node, owner));
      return { v: 1, type: 'nodes', nodes: living.map(({ node }) => node).toSorted() };
    },

    enable: async ({ user, service, node, options }) => {
      const registration = { service, node, options, enabledAt: clock() };
      const enabled = await registrations.enable(user, registration, settings.MAX_REGISTRATIONS_PER_USER);
      if (enabled === 'too-many') return reply('too-many');
      const decision = decideRead(await nodes.readNode(service, node), user);
      const isFresh = decision.type !== 'read' || (await freshen(service, node, decision.node.version)) === 'done';
      return isFresh ? reply('enabled') : 'again';
    },

    disable: async ({ user, service, node }) => ({
      v: 1,
      type: 'disabled',
      removed: await registrations.disable(user, service, node),
    }),
  };

  return async <K extends CommandType>(type: K, command: Command<K>): Promise<Reply> => {
    for (let attempt = 1; attempt <= tries; attempt += 1) {
      const answer = await handlers[type](command);
      if (answer !== 'again') return answer;
    }
    return reply('unavailable');
  };
};

const reply = <T extends Reply['type']>(type: T) => ({ v: 1 as const, type });
