import { Type } from 'typebox';
import type { Static, TSchema } from 'typebox';
import { message } from './message.ts';
import type { Message } from './message.ts';
import { Options } from './options.ts';

// What gateway and acceptance ask pubsub-push over core NATS request/reply. JIDs are bare and normalised unless stated
// otherwise.

const Jid = Type.String({ minLength: 1, maxLength: 3071 });
const NodeId = Type.String({ minLength: 1, maxLength: 1023 });
const v = Type.Literal(1);

export const PublishModel = Type.Enum(['publishers', 'open']);
export type PublishModel = Static<typeof PublishModel>;

/** The affiliations that a push node stores (XEP-0060 §4.1); anybody else has `none`. */
const affiliations = ['owner', 'publisher', 'publish-only', 'member', 'outcast'] as const;
export type Affiliation = (typeof affiliations)[number];

/** The most affiliations that a push node has, and the most that one command changes. */
export const maxAffiliations = 32;

/** A digest, never the secret itself. */
const SecretDigest = Type.String({ maxLength: 64 });

/** Every command. `host` is the component name, `service` the service JID of XEP-0357. */
export const commandSchemas = {
  'create-node': Type.Object({
    v,
    host: Jid,
    node: NodeId,
    owner: Jid,
    /** What the `<configure/>` form asks for; absent: the default of the deployment. */
    publishModel: Type.Optional(PublishModel),
    /** The secret that a publish must know; absent or empty: none. */
    secret: Type.Optional(SecretDigest),
  }),
  'delete-node': Type.Object({ v, host: Jid, node: NodeId, requester: Jid }),
  'authorise-publish': Type.Object({
    v,
    host: Jid,
    node: NodeId,
    publisher: Jid,
    /** Fingerprint of the device that the publish names; a new one makes the node fresh. Absent: no valid device. */
    device: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    /** The secret of the publish; empty: none. Absent: the gateway is older than secrets, and its publishes need none. */
    secret: Type.Optional(SecretDigest),
  }),
  'get-affiliations': Type.Object({ v, host: Jid, node: NodeId, requester: Jid }),
  'set-affiliations': Type.Object({
    v,
    host: Jid,
    node: NodeId,
    requester: Jid,
    /** The affiliations that change, in order; the last one for a JID wins. */
    affiliations: Type.Array(Type.Object({ jid: Jid, affiliation: Type.Enum([...affiliations, 'none']) }), {
      maxItems: maxAffiliations,
    }),
  }),
  'get-configuration': Type.Object({ v, host: Jid, node: NodeId, requester: Jid }),
  'set-configuration': Type.Object({
    v,
    host: Jid,
    node: NodeId,
    requester: Jid,
    /** Absent: unchanged. */
    publishModel: Type.Optional(PublishModel),
    /** Absent: unchanged. Empty: a publish needs no secret any more. */
    secret: Type.Optional(SecretDigest),
  }),
  'list-nodes': Type.Object({ v, host: Jid, owner: Jid }),
  enable: Type.Object({ v, user: Jid, service: Jid, node: NodeId, options: Options }),
  disable: Type.Object({ v, user: Jid, service: Jid, node: Type.Optional(NodeId) }),
} as const satisfies Readonly<Record<string, TSchema>>;

export type CommandType = keyof typeof commandSchemas;
export type Command<T extends CommandType = CommandType> = { [K in T]: Static<(typeof commandSchemas)[K]> }[T];

export const commandTypes = Object.keys(commandSchemas) as readonly CommandType[];

const replyType = <const T extends string>(type: T) => Type.Object({ v, type: Type.Literal(type) });

/** Every reply. Refusals are expected; `unavailable` means that the store did not answer. */
export const Reply = Type.Union([
  replyType('created'),
  replyType('conflict'),
  replyType('deleted'),
  replyType('not-found'),
  replyType('forbidden'),
  replyType('too-many'),
  /** `version` changes whenever the node becomes fresh; a result with an older version is stale. */
  Type.Object({ v, type: Type.Literal('allowed'), version: Type.Integer({ minimum: 1 }) }),
  Type.Object({ v, type: Type.Literal('nodes'), nodes: Type.Array(NodeId) }),
  Type.Object({
    v,
    type: Type.Literal('affiliations'),
    affiliations: Type.Array(Type.Object({ jid: Jid, affiliation: Type.Enum([...affiliations]) })),
  }),
  Type.Object({ v, type: Type.Literal('configuration'), publishModel: PublishModel }),
  replyType('updated'),
  /** Nothing was changed, because the node would have no owner. */
  Type.Object({ v, type: Type.Literal('last-owner'), owners: Type.Array(Jid) }),
  replyType('enabled'),
  Type.Object({ v, type: Type.Literal('disabled'), removed: Type.Integer({ minimum: 0 }) }),
  replyType('unreadable'),
  replyType('unavailable'),
]);
export type Reply = Static<typeof Reply>;

/** The replies that each command can get, besides `unavailable` and `unreadable`. */
export type ReplyTo = {
  'create-node': 'created' | 'conflict' | 'too-many';
  'delete-node': 'deleted' | 'not-found' | 'forbidden';
  'authorise-publish': 'allowed' | 'not-found' | 'forbidden';
  'get-affiliations': 'affiliations' | 'not-found' | 'forbidden';
  'set-affiliations': 'updated' | 'not-found' | 'forbidden' | 'last-owner' | 'too-many';
  'get-configuration': 'configuration' | 'not-found' | 'forbidden';
  'set-configuration': 'updated' | 'not-found' | 'forbidden';
  'list-nodes': 'nodes';
  enable: 'enabled' | 'too-many';
  disable: 'disabled';
};

/**
 * How many commands of a type one message may hold. `authorise-publish`, which every publish needs, travels in batches: under
 * load the message around it costs both sides more than the command. The others can have large replies, and travel alone.
 */
export const commandsPerMessage = (type: CommandType): number => (type === 'authorise-publish' ? 32 : 1);

/** One command on its way, with its trace. */
export type Asking<K extends CommandType = CommandType> = {
  readonly traceparent: string;
  readonly command: Command<K>;
};

/** The messages that carry commands, by type. */
export const commandMessages = Object.fromEntries(
  Object.entries(commandSchemas).map(([type, command]) => {
    const asking = Type.Object({ traceparent: Type.String({ maxLength: 64 }), command });
    const limits = { minItems: 1, maxItems: commandsPerMessage(type as CommandType) };
    return [type, message(`command ${type}`, Type.Array(asking, limits))];
  }),
) as unknown as { readonly [K in CommandType]: Message<readonly Asking<K>[]> };

/** The replies to the commands of one message, in the same order; a message that cannot be read gets one `unreadable`. */
export const repliesMessage: Message<readonly Reply[]> = message('replies', Type.Array(Reply, { minItems: 1 }));
