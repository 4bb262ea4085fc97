import { deviceOf, messages, subjects } from '@pushmesh/contracts';
import type { Command, CommandType, Reply } from '@pushmesh/contracts';
import type { Bus, NoReply } from '@pushmesh/bus';
import { ns, xml } from '@pushmesh/xmpp';
import type { Element, StanzaError } from '@pushmesh/xmpp';
import type { Role } from '../config.ts';
import { discoInfo, discoInfoOfNode, discoItems } from '../domain/disco.ts';
import { faults } from '../domain/faults.ts';
import { decidePublish, deviceFingerprint, toAuthorisation } from '../domain/publish.ts';
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
    const device = deviceOf(request.publish.options);
    const reply = await ask(
      'authorise-publish',
      {
        v: 1,
        host,
        node: request.publish.node,
        publisher,
        ...('why' in device ? {} : { device: deviceFingerprint(device) }),
      },
      context,
    );
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
    if (decision.type === 'verify-later') onUnverified();
    const published =
      decision.type === 'deliver'
        ? await bus.publish(subjects.delivery(delivery.service, delivery.mode), messages.delivery, delivery, how)
        : await bus.publish(
            subjects.unverifiedPublish,
            messages.unverifiedPublish,
            { v: 1, publisher, device: decision.device, delivery },
            how,
          );
    return published.type === 'stored' || published.type === 'duplicate' ? done : { error: faults.trouble };
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
      const reply = await ask('list-nodes', { v: 1, host: context.host, owner: requester }, context);
      if (reply.type !== 'nodes') return { error: refusalOf('list-nodes', reply) };
      return reply.nodes.includes(node) ? { result: discoInfoOfNode(node) } : { error: faults.nodeUnknown };
    },

    'disco-items': async ({ node, requester }, context) => {
      if (node !== undefined || !context.roles.includes('app-server')) return { result: discoItems(context.host, []) };
      const reply = await ask('list-nodes', { v: 1, host: context.host, owner: requester }, context);
      return reply.type === 'nodes'
        ? { result: discoItems(context.host, reply.nodes) }
        : { error: refusalOf('list-nodes', reply) };
    },

    'create-node': async ({ node, owner, publishModel }, context) => {
      const command = { v: 1 as const, host: context.host, node, owner, ...(publishModel && { publishModel }) };
      const reply = await ask('create-node', command, context);
      return reply.type === 'created'
        ? { result: xml('pubsub', { xmlns: ns.pubsub }, xml('create', { node })) }
        : { error: refusalOf('create-node', reply) };
    },

    'delete-node': async ({ node, requester }, context) => {
      const reply = await ask('delete-node', { v: 1, host: context.host, node, requester }, context);
      return reply.type === 'deleted' ? done : { error: refusalOf('delete-node', reply) };
    },

    publish,

    enable: async ({ user, service, node, options }, context) => {
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
