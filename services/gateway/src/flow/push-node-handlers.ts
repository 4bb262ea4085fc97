import { secretDigest } from '@pushmesh/acceptance';
import { ns, xml } from '@pushmesh/xmpp';
import { discoInfo, discoInfoOfNode, discoItems } from '../domain/disco.ts';
import { affiliationsOf, configurationOf, listable, ownAffiliations } from '../domain/node-forms.ts';
import { errorOfReply } from '../domain/refusals.ts';
import { stanzaErrors } from '../domain/stanza-errors.ts';
import { done } from './request-handler.ts';
import type { Handler } from './request-handler.ts';

// Discovery and the owner's requests: pubsub-push is asked, and its reply becomes the answer.

export const getDiscoInfo: Handler<'disco-info'> = async (
  { node, requester },
  { host, roles, traceparent },
  { bus },
) => {
  if (node === undefined) return { result: discoInfo(roles) };
  if (!roles.includes('app-server')) return { error: stanzaErrors.nodeUnknown };
  const reply = await bus.request('list-nodes', { v: 1, host, owner: requester }, traceparent);
  if (reply.type !== 'nodes') return { error: errorOfReply('list-nodes', reply) };
  return reply.nodes.includes(node) ? { result: discoInfoOfNode(node) } : { error: stanzaErrors.nodeUnknown };
};

export const getDiscoItems: Handler<'disco-items'> = async (
  { node, requester },
  { host, roles, traceparent },
  { bus },
) => {
  if (node !== undefined || !roles.includes('app-server')) return { result: discoItems(host, []) };
  const reply = await bus.request('list-nodes', { v: 1, host, owner: requester }, traceparent);
  return reply.type === 'nodes'
    ? { result: discoItems(host, listable(reply.nodes)) }
    : { error: errorOfReply('list-nodes', reply) };
};

export const createNode: Handler<'create-node'> = async ({ type, ...request }, { host, traceparent }, { bus }) => {
  const { node } = request;
  const reply = await bus.request(type, withSecretDigest(host, request), traceparent);
  return reply.type === 'created'
    ? { result: xml('pubsub', { xmlns: ns.pubsub }, xml('create', { node })) }
    : { error: errorOfReply(type, reply) };
};

export const deleteNode: Handler<'delete-node'> = async ({ type, node, requester }, { host, traceparent }, { bus }) => {
  const reply = await bus.request(type, { v: 1, host, node, requester }, traceparent);
  return reply.type === 'deleted' ? done : { error: errorOfReply(type, reply) };
};

export const getOwnAffiliations: Handler<'own-affiliations'> = async (
  { node, requester },
  { host, traceparent },
  { bus },
) => {
  const reply = await bus.request('list-nodes', { v: 1, host, owner: requester }, traceparent);
  return reply.type === 'nodes'
    ? { result: ownAffiliations(listable(reply.nodes.filter((each) => node === undefined || each === node))) }
    : { error: errorOfReply('list-nodes', reply) };
};

export const getAffiliations: Handler<'get-affiliations'> = async (
  { type, node, requester },
  { host, traceparent },
  { bus },
) => {
  const reply = await bus.request(type, { v: 1, host, node, requester }, traceparent);
  return reply.type === 'affiliations'
    ? { result: affiliationsOf(node, reply.affiliations) }
    : { error: errorOfReply(type, reply) };
};

export const setAffiliations: Handler<'set-affiliations'> = async (
  { type, node, requester, affiliations },
  { host, traceparent },
  { bus },
) => {
  const changes = { v: 1 as const, host, node, requester, affiliations: [...affiliations] };
  const reply = await bus.request(type, changes, traceparent);
  if (reply.type === 'updated') return done;
  if (reply.type !== 'last-owner') return { error: errorOfReply(type, reply) };
  const owners = reply.owners.map((jid) => ({ jid, affiliation: 'owner' as const }));
  return { error: stanzaErrors.lastOwner(affiliationsOf(node, owners)) };
};

export const getConfiguration: Handler<'get-configuration'> = async (
  { type, node, requester },
  { host, traceparent },
  { bus },
) => {
  const reply = await bus.request(type, { v: 1, host, node, requester }, traceparent);
  return reply.type === 'configuration'
    ? { result: configurationOf(node, reply.publishModel) }
    : { error: errorOfReply(type, reply) };
};

export const setConfiguration: Handler<'set-configuration'> = async (
  { type, ...request },
  { host, traceparent },
  { bus },
) => {
  const reply = await bus.request(type, withSecretDigest(host, request), traceparent);
  return reply.type === 'updated' ? done : { error: errorOfReply(type, reply) };
};

/** The command that configures a node, with the digest in place of the secret. */
const withSecretDigest = <T extends { readonly node: string; readonly secret?: string }>(
  host: string,
  { secret, ...request }: T,
) => ({
  v: 1 as const,
  host,
  ...request,
  ...(secret !== undefined && { secret: secretDigest(host, request.node, secret) }),
});
