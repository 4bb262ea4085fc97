import { secretDigest } from '@pushmesh/acceptance';
import type { AcceptPush } from '@pushmesh/acceptance';
import type { Bus } from '@pushmesh/bus';
import { ns, xml } from '@pushmesh/xmpp';
import type { Element, StanzaError } from '@pushmesh/xmpp';
import type { Role } from '../config.ts';
import { discoInfo, discoInfoOfNode, discoItems } from '../domain/disco.ts';
import { affiliationsOf, configurationOf, listable, ownAffiliations } from '../domain/node-forms.ts';
import { errorOfPush, errorOfReply } from '../domain/refusals.ts';
import type { Request } from '../domain/request.ts';
import { stanzaErrors } from '../domain/stanza-errors.ts';

/** The answer to a request: a result, with or without a payload, or a stanza error. */
export type Answer = { readonly result: Element | undefined } | { readonly error: StanzaError };

export type RequestContext = {
  /** The component that was asked: the host of its push nodes. */
  readonly host: string;
  readonly roles: readonly Role[];
  readonly iqId: string;
  readonly traceparent: string;
};

type Ports = {
  /** Asks pubsub-push. */
  readonly bus: Pick<Bus, 'request'>;
  readonly acceptPush: AcceptPush;
};

/** One request in, one answer out. Throws only on bugs; the caller turns a throw into `wait`. */
export const createRequestHandler =
  (ports: Ports) =>
  <K extends Request['type']>(request: Extract<Request, { type: K }>, context: RequestContext): Promise<Answer> =>
    handlers[request.type](request, context, ports);

export type RequestHandler = ReturnType<typeof createRequestHandler>;

type Handler<K extends Request['type']> = (
  request: Extract<Request, { type: K }>,
  context: RequestContext,
  ports: Ports,
) => Promise<Answer>;

const done: Answer = { result: undefined };

const ping: Handler<'ping'> = () => Promise.resolve(done);

const getDiscoInfo: Handler<'disco-info'> = async ({ node, requester }, { host, roles, traceparent }, { bus }) => {
  if (node === undefined) return { result: discoInfo(roles) };
  if (!roles.includes('app-server')) return { error: stanzaErrors.nodeUnknown };
  const reply = await bus.request('list-nodes', { v: 1, host, owner: requester }, traceparent);
  if (reply.type !== 'nodes') return { error: errorOfReply('list-nodes', reply) };
  return reply.nodes.includes(node) ? { result: discoInfoOfNode(node) } : { error: stanzaErrors.nodeUnknown };
};

const getDiscoItems: Handler<'disco-items'> = async ({ node, requester }, { host, roles, traceparent }, { bus }) => {
  if (node !== undefined || !roles.includes('app-server')) return { result: discoItems(host, []) };
  const reply = await bus.request('list-nodes', { v: 1, host, owner: requester }, traceparent);
  return reply.type === 'nodes'
    ? { result: discoItems(host, listable(reply.nodes)) }
    : { error: errorOfReply('list-nodes', reply) };
};

const createNode: Handler<'create-node'> = async ({ type, ...request }, { host, traceparent }, { bus }) => {
  const { node } = request;
  const reply = await bus.request(type, withSecretDigest(host, request), traceparent);
  return reply.type === 'created'
    ? { result: xml('pubsub', { xmlns: ns.pubsub }, xml('create', { node })) }
    : { error: errorOfReply(type, reply) };
};

const deleteNode: Handler<'delete-node'> = async ({ type, node, requester }, { host, traceparent }, { bus }) => {
  const reply = await bus.request(type, { v: 1, host, node, requester }, traceparent);
  return reply.type === 'deleted' ? done : { error: errorOfReply(type, reply) };
};

const getOwnAffiliations: Handler<'own-affiliations'> = async ({ node, requester }, { host, traceparent }, { bus }) => {
  const reply = await bus.request('list-nodes', { v: 1, host, owner: requester }, traceparent);
  return reply.type === 'nodes'
    ? { result: ownAffiliations(listable(reply.nodes.filter((each) => node === undefined || each === node))) }
    : { error: errorOfReply('list-nodes', reply) };
};

const getAffiliations: Handler<'get-affiliations'> = async (
  { type, node, requester },
  { host, traceparent },
  { bus },
) => {
  const reply = await bus.request(type, { v: 1, host, node, requester }, traceparent);
  return reply.type === 'affiliations'
    ? { result: affiliationsOf(node, reply.affiliations) }
    : { error: errorOfReply(type, reply) };
};

const setAffiliations: Handler<'set-affiliations'> = async (
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

const getConfiguration: Handler<'get-configuration'> = async (
  { type, node, requester },
  { host, traceparent },
  { bus },
) => {
  const reply = await bus.request(type, { v: 1, host, node, requester }, traceparent);
  return reply.type === 'configuration'
    ? { result: configurationOf(node, reply.publishModel) }
    : { error: errorOfReply(type, reply) };
};

const setConfiguration: Handler<'set-configuration'> = async ({ type, ...request }, { host, traceparent }, { bus }) => {
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

const publish: Handler<'publish'> = async (request, { host, iqId, traceparent }, { acceptPush }) => {
  const acceptance = await acceptPush({ ...request, host, requestId: iqId }, traceparent);
  return acceptance.type === 'accepted' ? done : { error: errorOfPush(acceptance) };
};

const enable: Handler<'enable'> = async ({ type, user, service, node, options: given }, { traceparent }, { bus }) => {
  const { secret: _, ...options } = given;
  const reply = await bus.request(type, { v: 1, user, service, node, options }, traceparent);
  return reply.type === 'enabled' ? done : { error: errorOfReply(type, reply) };
};

const disable: Handler<'disable'> = async ({ type, user, service, node }, { traceparent }, { bus }) => {
  const reply = await bus.request(type, { v: 1, user, service, ...(node !== undefined && { node }) }, traceparent);
  return reply.type === 'disabled' ? done : { error: errorOfReply(type, reply) };
};

/** By the type of the request. A new request does not compile without its handler. */
const handlers: { readonly [K in Request['type']]: Handler<K> } = {
  ping,
  'disco-info': getDiscoInfo,
  'disco-items': getDiscoItems,
  'create-node': createNode,
  'delete-node': deleteNode,
  'own-affiliations': getOwnAffiliations,
  'get-affiliations': getAffiliations,
  'set-affiliations': setAffiliations,
  'get-configuration': getConfiguration,
  'set-configuration': setConfiguration,
  publish,
  enable,
  disable,
};
