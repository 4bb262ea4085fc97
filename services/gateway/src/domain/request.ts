import { bareJid, childElements, fullJid, ns, parseJid, readDisable, readEnable, readPublish } from '@pushmesh/xmpp';
import type { AffiliationChange, Disable, Element, Enable, Jid, Publish, StanzaError } from '@pushmesh/xmpp';
import { cutText } from '@pushmesh/contracts';
import type { Role } from '../config.ts';
import { stanzaErrors } from './stanza-errors.ts';
import { isTooLong, readCreateNode, readOwner, readUnsupported } from './node-request.ts';
import type { NodeConfig } from './node-request.ts';

/** A publish without what could be long: the texts are cut, and options that are too large are not kept. */
export type PublishToNode = Publish & { readonly node: string; readonly areOptionsTooLarge: boolean };

/** What an IQ asks for, past the door: everything is parsed and normalised. */
export type Request =
  | { readonly type: 'ping' }
  | { readonly type: 'disco-info'; readonly node: string | undefined; readonly requester: string }
  | { readonly type: 'disco-items'; readonly node: string | undefined; readonly requester: string }
  | ({ readonly type: 'create-node'; readonly node: string; readonly owner: string } & NodeConfig)
  | { readonly type: 'delete-node'; readonly node: string; readonly requester: string }
  | { readonly type: 'own-affiliations'; readonly node: string | undefined; readonly requester: string }
  | { readonly type: 'get-affiliations'; readonly node: string; readonly requester: string }
  | {
      readonly type: 'set-affiliations';
      readonly node: string;
      readonly requester: string;
      readonly affiliations: readonly AffiliationChange[];
    }
  | { readonly type: 'get-configuration'; readonly node: string; readonly requester: string }
  | ({ readonly type: 'set-configuration'; readonly node: string; readonly requester: string } & NodeConfig)
  | {
      readonly type: 'publish';
      readonly sender: string;
      readonly publisher: string;
      readonly publish: PublishToNode;
    }
  | ({ readonly type: 'enable'; readonly user: string } & Enable)
  | ({ readonly type: 'disable'; readonly user: string } & Disable);

/** A stanza that needs no answer (RFC 6120 §8.2), and why: the label of a metric. */
export type Ignored = {
  readonly ignored: 'message' | 'presence' | 'reply' | 'without-sender' | 'without-id' | 'long-id' | 'unknown';
};

/** An IQ to answer: its `request`, or the `error` that is its answer. `kind` names it in metrics; the set is bounded. */
export type Question =
  { readonly kind: string; readonly request: Request } | { readonly kind: string; readonly error: StanzaError };

/** The push node that a request is about. */
export const nodeOf = (question: Question): string | undefined => {
  if ('error' in question) return undefined;
  const { request } = question;
  if (request.type === 'publish') return request.publish.node;
  return 'node' in request ? request.node : undefined;
};

/** Longest id of an iq that is answered: the answer repeats it, and too large an answer costs us the stream. */
const maxIdBytes = 4096;

/** Largest options of a publish or a registration, as JSON, and largest other fields of a summary. */
const maxOptionsBytes = 60_000;
const areTooLarge = (options: object): boolean => Buffer.byteLength(JSON.stringify(options)) > maxOptionsBytes;

/** Who gets the answer to a stanza, or why there is none; its content does not matter. */
export const senderOf = ({ name, attrs }: Element): Jid | Ignored => {
  if (name === 'message' || name === 'presence') return { ignored: name };
  if (name !== 'iq') return { ignored: 'unknown' };
  const { type, id, from } = attrs as Readonly<Record<string, string | undefined>>;
  if (type === 'result' || type === 'error') return { ignored: 'reply' };
  const sender = parseJid(from ?? '');
  if (!sender) return { ignored: 'without-sender' };
  if (!id) return { ignored: 'without-id' };
  return Buffer.byteLength(id) > maxIdBytes ? { ignored: 'long-id' } : sender;
};

/** Reads a stanza. Order and answers of the checks follow MongooseIM 6.8 (`mod_pubsub_old`, `mod_event_pusher_push`). */
export const readStanza = (stanza: Element, roles: readonly Role[]): Question | Ignored => {
  const sender = senderOf(stanza);
  if ('ignored' in sender) return sender;
  const { type } = stanza.attrs as Readonly<Record<string, string | undefined>>;
  const [payload, ...more] = childElements(stanza);
  if ((type !== 'get' && type !== 'set') || !payload || more.length > 0)
    return { kind: 'malformed', error: stanzaErrors.badRequest('an iq is a get or a set with exactly one child') };
  const read = readers.get(payload.getNS() ?? '') ?? unknown;
  return read({ type, payload, sender, roles });
};

/** A request past the door: exactly one payload. */
export type Iq = {
  readonly type: 'get' | 'set';
  readonly payload: Element;
  readonly sender: Jid;
  readonly roles: readonly Role[];
};

const unknown = (): Question => ({ kind: 'unknown', error: stanzaErrors.serviceUnavailable });

/** By the namespace of the payload; a namespace that is not here is answered `service-unavailable`. */
const readers: ReadonlyMap<string, (iq: Iq) => Question> = new Map<string, (iq: Iq) => Question>(
  Object.entries({
    [ns.ping]: ({ type, payload }: Iq) =>
      type === 'get' && payload.name === 'ping' ? { kind: 'ping', request: { type: 'ping' } } : unknown(),
    [ns.discoInfo]: ({ type, payload, sender }: Iq) =>
      type === 'get' && payload.name === 'query'
        ? {
            kind: 'disco-info',
            request: { type: 'disco-info', node: nodeAttribute(payload), requester: bareJid(sender) },
          }
        : unknown(),
    [ns.discoItems]: ({ type, payload, sender }: Iq) =>
      type === 'get' && payload.name === 'query'
        ? {
            kind: 'disco-items',
            request: { type: 'disco-items', node: nodeAttribute(payload), requester: bareJid(sender) },
          }
        : unknown(),
    [ns.pubsub]: (iq: Iq) => (isPubsub(iq) ? readPubsub(iq) : unknown()),
    [ns.pubsubOwner]: (iq: Iq) => (isPubsub(iq) ? readOwner(iq) : unknown()),
    [ns.push]: (iq: Iq) => (iq.roles.includes('xmpp-server') ? readPush(iq) : unknown()),
  }),
);

const nodeAttribute = ({ attrs }: Element): string | undefined => (attrs['node'] as string | undefined) || undefined;

/** XEP-0060 requests that push nodes do not have, by the element that asks: the feature we name as unsupported. */
const unsupported = {
  default: 'retrieve-default',
  items: 'retrieve-items',
  options: 'subscription-options',
  retract: 'persistent-items',
  subscribe: 'subscribe',
  subscriptions: 'retrieve-subscriptions',
  unsubscribe: 'subscribe',
};

const isPubsub = ({ payload, roles }: Iq): boolean => payload.name === 'pubsub' && roles.includes('app-server');

const readPubsub = ({ type, payload, sender }: Iq): Question => {
  const affiliations = payload.getChild('affiliations');
  if (type === 'get' && affiliations) {
    const node = nodeAttribute(affiliations);
    return { kind: 'own-affiliations', request: { type: 'own-affiliations', node, requester: bareJid(sender) } };
  }
  if (type === 'set') {
    if (payload.getChild('create')) return readCreateNode(payload, sender);
    const publish = readPublish(payload);
    if (publish) return readPublishNode(publish, sender);
  }
  return readUnsupported(payload, unsupported);
};

const readPublishNode = (publish: Publish, sender: Jid): Question => {
  const kind = 'publish';
  const { node } = publish;
  if (!node) return { kind, error: stanzaErrors.nodeIdMissing };
  if (publish.payload === 'item-required') return { kind, error: stanzaErrors.itemRequired };
  if (publish.payload === 'item-invalid') return { kind, error: stanzaErrors.payloadInvalid };
  if (isTooLong(node)) return { kind, error: stanzaErrors.nodeUnknown };
  const areOptionsTooLarge = areTooLarge(publish.options);
  return {
    kind,
    request: {
      type: 'publish',
      sender: fullJid(sender),
      publisher: bareJid(sender),
      publish: {
        ...publish,
        node,
        payload: shortened(publish.payload),
        options: areOptionsTooLarge ? {} : publish.options,
        areOptionsTooLarge,
      },
    },
  };
};

/** Octets of text that are kept: no push service takes a larger notification. */
const maxTextBytes = 4_096;

/**
 * Cuts what others wrote, before anything waits with it: all that are under way have to fit into memory. It is never a
 * reason to refuse: an error would let anybody who can write to a user destroy the user’s registration with one long message.
 */
const shortened = (payload: Publish['payload']): Publish['payload'] => {
  if (typeof payload === 'string') return payload;
  const { lastMessageSender: sender, lastMessageBody: body, otherFields, ...summary } = payload.summary;
  return {
    ...payload,
    summary: {
      ...summary,
      ...(otherFields && payload.otherBytes <= maxOptionsBytes && { otherFields }),
      ...(sender !== undefined && { lastMessageSender: cutText(sender, maxTextBytes) }),
      ...(body !== undefined && { lastMessageBody: cutText(body, maxTextBytes) }),
    },
  };
};

const readPush = ({ type, payload, sender }: Iq): Question => {
  const { name } = payload;
  const kind = name === 'enable' || name === 'disable' ? name : 'unknown';
  if (type === 'get') return { kind, error: stanzaErrors.notAllowed };
  const user = bareJid(sender);
  if (isTooLong((payload.attrs['node'] as string | undefined) ?? ''))
    return { kind, error: stanzaErrors.badRequest('node: at most 1023 octets') };
  if (name === 'enable') {
    const enable = readEnable(payload);
    if ('malformed' in enable) return { kind, error: stanzaErrors.badRequest(enable.malformed) };
    if (areTooLarge(enable.options))
      return { kind, error: stanzaErrors.preconditionNotMet('publish-options are too large') };
    return { kind, request: { type: 'enable', user, ...enable } };
  }
  if (name === 'disable') {
    const disable = readDisable(payload);
    return 'malformed' in disable
      ? { kind, error: stanzaErrors.badRequest(disable.malformed) }
      : { kind, request: { type: 'disable', user, ...disable } };
  }
  return { kind, error: stanzaErrors.badRequest('push: enable or disable expected') };
};
