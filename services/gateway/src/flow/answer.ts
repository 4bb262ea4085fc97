import { messages, subjects } from '@pushmesh/contracts';
import type { Command, CommandType, Reply } from '@pushmesh/contracts';
import { isStored } from '@pushmesh/bus';
import type { Bus, NoReply } from '@pushmesh/bus';
import { ns, xml } from '@pushmesh/xmpp';
import type { Element, StanzaError } from '@pushmesh/xmpp';
import type { Role } from '../config.ts';
import { discoInfo, discoInfoOfNode, discoItems } from '../domain/disco.ts';
import { stanzaErrors } from '../domain/stanza-errors.ts';
import { affiliationsOf, configurationOf, listable, ownAffiliations } from '../domain/node-forms.ts';
import { decidePublish, secretDigest, toAuthorisation, toQuestion } from '../domain/publish.ts';
import type { PublishDecision } from '../domain/publish.ts';
import { refusalOf } from '../domain/reply.ts';
import type { Request } from '../domain/request.ts';

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
  readonly bus: Pick<Bus, 'request' | 'publish'>;
  readonly clock: () => number;
  readonly defaultTtlMs: number;
  readonly maxPayloadBytes: number;
  readonly onUnverified: () => void;
};

const done: Answer = { result: undefined };

/** What configures a node, with the digest in place of its secret. */
const configuring = <T extends { readonly node: string; readonly secret?: string }>(
  { host }: RequestContext,
  { secret, ...request }: T,
) => ({
  v: 1 as const,
  host,
  ...request,
  ...(secret !== undefined && { secret: secretDigest(host, request.node, secret) }),
});

/** One request in, one answer out. Throws only on bugs; the caller turns a throw into `wait`. */
export const createAnswer = (ports: Ports) => {
  const { bus, clock, defaultTtlMs, maxPayloadBytes, onUnverified } = ports;

  const ask = <K extends CommandType>(
    type: K,
    command: Command<K>,
    { traceparent }: RequestContext,
  ): Promise<Reply | NoReply> => bus.request(type, command, traceparent);

  const publish = async (request: Extract<Request, { type: 'publish' }>, context: RequestContext): Promise<Answer> => {
    const { host, iqId, traceparent } = context;
    const { publisher } = request;
    const question = toQuestion(host, publisher, request.publish, maxPayloadBytes);
    const reply = await ask('authorise-publish', question, context);
    const decision = decidePublish({
      host,
      sender: request.sender,
      iqId,
      publish: request.publish,
      authorisation: toAuthorisation(reply),
      now: clock(),
      defaultTtlMs,
      maxPayloadBytes,
    });
    if (decision.type === 'refuse') return { error: decision.error };
    return store(decision, publisher, traceparent);
  };

  /** The sender gets its `result` only after JetStream has the push. */
  const store = async (
    decision: Exclude<PublishDecision, { type: 'refuse' }>,
    publisher: string,
    traceparent: string,
  ): Promise<Answer> => {
    const { delivery } = decision;
    const how = { msgId: delivery.id, traceparent };
    const published =
      decision.type === 'deliver'
        ? await bus.publish(subjects.delivery(delivery.service, delivery.mode), messages.delivery, delivery, how)
        : await bus.publish(
            subjects.unverifiedPublish,
            messages.unverifiedPublish,
            { v: 1, publisher, device: decision.device, secret: decision.secret, delivery },
            how,
          );
    if (!isStored(published)) return { error: stanzaErrors.trouble };
    if (decision.type === 'verify-later') onUnverified();
    return done;
  };

  const handlers: {
    readonly [K in Request['type']]: (
      request: Extract<Request, { type: K }>,
      context: RequestContext,
    ) => Promise<Answer>;
  } = {
    ping: () => Promise.resolve(done),

    'disco-info': async ({ node, requester }, context) => {
      if (node === undefined) return { result: discoInfo(context.roles) };
      if (!context.roles.includes('app-server')) return { error: stanzaErrors.nodeUnknown };
      const reply = await ask('list-nodes', { v: 1, host: context.host, owner: requester }, context);
      if (reply.type !== 'nodes') return { error: refusalOf('list-nodes', reply) };
      return reply.nodes.includes(node) ? { result: discoInfoOfNode(node) } : { error: stanzaErrors.nodeUnknown };
    },

    'disco-items': async ({ node, requester }, context) => {
      if (node !== undefined || !context.roles.includes('app-server')) return { result: discoItems(context.host, []) };
      const reply = await ask('list-nodes', { v: 1, host: context.host, owner: requester }, context);
      return reply.type === 'nodes'
        ? { result: discoItems(context.host, listable(reply.nodes)) }
        : { error: refusalOf('list-nodes', reply) };
    },

    'create-node': async ({ type, ...request }, context) => {
      const { node } = request;
      const reply = await ask(type, configuring(context, request), context);
      return reply.type === 'created'
        ? { result: xml('pubsub', { xmlns: ns.pubsub }, xml('create', { node })) }
        : { error: refusalOf('create-node', reply) };
    },

    'delete-node': async ({ node, requester }, context) => {
      const reply = await ask('delete-node', { v: 1, host: context.host, node, requester }, context);
      return reply.type === 'deleted' ? done : { error: refusalOf('delete-node', reply) };
    },

    'own-affiliations': async ({ node, requester }, context) => {
      const reply = await ask('list-nodes', { v: 1, host: context.host, owner: requester }, context);
      return reply.type === 'nodes'
        ? { result: ownAffiliations(listable(reply.nodes.filter((each) => node === undefined || each === node))) }
        : { error: refusalOf('list-nodes', reply) };
    },

    'get-affiliations': async ({ type, node, requester }, context) => {
      const reply = await ask(type, { v: 1, host: context.host, node, requester }, context);
      return reply.type === 'affiliations'
        ? { result: affiliationsOf(node, reply.affiliations) }
        : { error: refusalOf(type, reply) };
    },

    'set-affiliations': async ({ type, node, requester, affiliations }, context) => {
      const changes = { v: 1 as const, host: context.host, node, requester, affiliations: [...affiliations] };
      const reply = await ask(type, changes, context);
      if (reply.type === 'updated') return done;
      if (reply.type !== 'last-owner') return { error: refusalOf(type, reply) };
      const owners = reply.owners.map((jid) => ({ jid, affiliation: 'owner' as const }));
      return { error: stanzaErrors.lastOwner(affiliationsOf(node, owners)) };
    },

    'get-configuration': async ({ type, node, requester }, context) => {
      const reply = await ask(type, { v: 1, host: context.host, node, requester }, context);
      return reply.type === 'configuration'
        ? { result: configurationOf(node, reply.publishModel) }
        : { error: refusalOf(type, reply) };
    },

    'set-configuration': async ({ type, ...request }, context) => {
      const reply = await ask(type, configuring(context, request), context);
      return reply.type === 'updated' ? done : { error: refusalOf(type, reply) };
    },

    publish,

    enable: async ({ user, service, node, options: given }, context) => {
      const { secret: _, ...options } = given;
      const reply = await ask('enable', { v: 1, user, service, node, options }, context);
      return reply.type === 'enabled' ? done : { error: refusalOf('enable', reply) };
    },

    disable: async ({ user, service, node }, context) => {
      const reply = await ask('disable', { v: 1, user, service, ...(node !== undefined && { node }) }, context);
      return reply.type === 'disabled' ? done : { error: refusalOf('disable', reply) };
    },
  };

  return <K extends Request['type']>(
    request: Extract<Request, { type: K }>,
    context: RequestContext,
  ): Promise<Answer> => handlers[request.type](request, context);
};
