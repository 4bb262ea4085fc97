// XEP-0060 §8.2 and §8.9: an owner reads or changes the configuration and affiliations of a push node
import { decideAffiliations, decideConfiguration, decideRead } from '../domain/configure.ts';
import { reply } from './handler.ts';
import type { Handler, Ports } from './handler.ts';

export const getAffiliations =
  ({ nodes }: Pick<Ports, 'nodes'>): Handler<'get-affiliations'> =>
  async ({ host, node, requester }) => {
    const decision = decideRead(await nodes.readNode(host, node), requester);
    if (decision.type !== 'read') return reply(decision.type);
    const affiliations = Object.entries(decision.node.affiliations);
    return {
      v: 1,
      type: 'affiliations',
      affiliations: affiliations.map(([jid, affiliation]) => ({ jid, affiliation })),
    };
  };

export const setAffiliations =
  ({ nodes }: Pick<Ports, 'nodes'>): Handler<'set-affiliations'> =>
  async ({ host, node, requester, affiliations }) => {
    const decision = decideAffiliations(await nodes.readNode(host, node), requester, affiliations);
    if (decision.type === 'unchanged') return reply('updated');
    if (decision.type === 'last-owner') return { v: 1, type: 'last-owner', owners: decision.owners };
    if (decision.type !== 'change') return reply(decision.type);
    const changed = await nodes.changeNode(host, node, decision.version, decision.changes);
    return changed === 'done' ? reply('updated') : 'again';
  };

export const getConfiguration =
  ({ nodes }: Pick<Ports, 'nodes'>): Handler<'get-configuration'> =>
  async ({ host, node, requester }) => {
    const decision = decideRead(await nodes.readNode(host, node), requester);
    if (decision.type !== 'read') return reply(decision.type);
    return { v: 1, type: 'configuration', publishModel: decision.node.publishModel };
  };

export const setConfiguration =
  ({ nodes }: Pick<Ports, 'nodes'>): Handler<'set-configuration'> =>
  async ({ host, node, requester, ...wanted }) => {
    const decision = decideConfiguration(await nodes.readNode(host, node), requester, wanted);
    if (decision.type === 'unchanged') return reply('updated');
    if (decision.type !== 'change') return reply(decision.type);
    const changed = await nodes.changeNode(host, node, decision.version, decision.changes);
    return changed === 'done' ? reply('updated') : 'again';
  };
