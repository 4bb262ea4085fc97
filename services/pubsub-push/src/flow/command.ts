import type { Command, CommandType, Reply, ReplyTo } from '@pushmesh/contracts';
import type { PubsubPushConfig } from '../config.ts';
import { decideAffiliations, decideConfiguration, decideRead } from '../domain/configure.ts';
import { decideAuthorisation, decideCreate, decideDelete, isOwner } from '../domain/manage.ts';
import type { NodeStore, RegistrationStore } from '../ports.ts';
import { createNodeIndex } from './node-index.ts';

type Ports = { readonly nodes: NodeStore; readonly registrations: RegistrationStore; readonly clock: () => number };
export type CommandSettings = Pick<
  PubsubPushConfig,
  'PUBLISH_MODEL' | 'MAX_NODES_PER_OWNER' | 'MAX_REGISTRATIONS_PER_USER'
> & {
  readonly trustedDomains: ReadonlySet<string>;
};

/** One handler per command: it reads what the decision needs, decides, and writes. */
type Handlers = {
  /** `again`: the node changed between reading and writing. */
  readonly [K in CommandType]: (
    command: Command<K>,
  ) => Promise<Extract<Reply, { readonly type: ReplyTo[K] }> | 'again'>;
};

/** How often a command is attempted if the node keeps changing between reading and writing. */
const maxAttempts = 4;

/** Executes any command. Throws `StoreUnavailable` if the store is unavailable. */
export const createCommands = (ports: Ports, settings: CommandSettings) => {
  const handlers: Handlers = {
    ...lifecycleHandlers(ports, settings),
    ...authorisationHandlers(ports, settings),
    ...ownerHandlers(ports),
    ...registrationHandlers(ports, settings),
  };
  return async <K extends CommandType>(type: K, command: Command<K>): Promise<Reply> => {
    for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
      const answer = await handlers[type](command);
      if (answer !== 'again') return answer;
    }
    return reply('unavailable');
  };
};

/** The handlers that create, delete and list nodes. */
const lifecycleHandlers = (
  { nodes, clock }: Ports,
  { PUBLISH_MODEL, MAX_NODES_PER_OWNER }: CommandSettings,
): Pick<Handlers, 'create-node' | 'delete-node' | 'list-nodes'> => {
  const index = createNodeIndex(nodes);
  return {
    'create-node': async ({ host, node, owner: requester, publishModel, secret }) => {
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
    },

    'delete-node': async ({ host, node, requester }) => {
      const found = await nodes.readNode(host, node);
      const decision = decideDelete(found, requester);
      if (decision.type !== 'delete') return reply(decision.type);
      if ((await nodes.deleteNode(host, node, decision.version)) === 'changed') return 'again';
      if (found) await index.remove(host, found.owner, node);
      return reply('deleted');
    },

    'list-nodes': async ({ host, owner }) => {
      const own = await index.list(host, owner);
      const inUse = own.filter((node) => node.retiredAt === undefined && isOwner(node, owner));
      return { v: 1, type: 'nodes', nodes: inUse.map(({ node }) => node).toSorted() };
    },
  };
};

const authorisationHandlers = (
  { nodes }: Ports,
  { trustedDomains }: CommandSettings,
): Pick<Handlers, 'authorise-publish'> => ({
  'authorise-publish': async ({ host, node, ...publish }) => {
    const decision = decideAuthorisation(await nodes.readNode(host, node), publish, trustedDomains);
    if (decision.type === 'allowed') return { v: 1, type: 'allowed', version: decision.version };
    if (decision.type !== 'renew') return reply(decision.type);
    const renewed = await nodes.renewNode(host, node, decision.version, decision.device);
    return renewed === 'done' ? { v: 1, type: 'allowed', version: decision.version + 1 } : 'again';
  },
});

/** The handlers with which an owner reads and changes the affiliations and the configuration of a node. */
const ownerHandlers = ({
  nodes,
}: Ports): Pick<Handlers, 'get-affiliations' | 'set-affiliations' | 'get-configuration' | 'set-configuration'> => ({
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
});

const registrationHandlers = (
  { nodes, registrations, clock }: Ports,
  { MAX_REGISTRATIONS_PER_USER }: CommandSettings,
): Pick<Handlers, 'enable' | 'disable'> => ({
  enable: async ({ user, service, node, options }) => {
    const registration = { service, node, options, enabledAt: clock() };
    const enabled = await registrations.enable(user, registration, MAX_REGISTRATIONS_PER_USER);
    if (enabled === 'too-many') return reply('too-many');
    // If the user owns the node, this also shows that the device is alive: evidence from before no longer counts.
    const decision = decideRead(await nodes.readNode(service, node), user);
    if (decision.type !== 'read') return reply('enabled');
    const freshened = await nodes.changeNode(service, node, decision.node.version, { freshAt: clock() });
    return freshened === 'done' ? reply('enabled') : 'again';
  },

  disable: async ({ user, service, node }) => ({
    v: 1,
    type: 'disabled',
    removed: await registrations.disable(user, service, node),
  }),
});

const reply = <T extends Reply['type']>(type: T) => ({ v: 1 as const, type });
