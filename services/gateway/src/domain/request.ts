import { bareJid, childElements, fullJid, ns, parseJid, readDisable, readEnable, readPublish } from '@pushmesh/xmpp';
import type { AffiliationChange, Disable, Element, Enable, Jid, Publish, StanzaError } from '@pushmesh/xmpp';
import type { Payload, Push } from '@pushmesh/acceptance';
import { cutText } from '@pushmesh/contracts';
import type { Role } from '../config.ts';
import { stanzaErrors } from './stanza-errors.ts';
import { isTooLong, readCreateNode, readOwner, readUnsupported } from './node-request.ts';
import type { NodeConfig } from './node-request.ts';

/** What an IQ asks for: everything is parsed and normalised, and what others wrote is cut to its bounds. */
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
  /** A push as acceptance takes it; its host and request id come from the envelope of the stanza. */
  | ({ readonly type: 'publish' } & Omit<Push, 'host' | 'requestId'>)
  | ({ readonly type: 'enable'; readonly user: string } & Enable)
  | ({ readonly type: 'disable'; readonly user: string } & Disable);

/** A stanza that gets no answer (RFC 6120 §8.2). `ignored` says why and is a metric label. */
export type Ignored = {
  readonly ignored: 'message' | 'presence' | 'reply' | 'without-sender' | 'without-id' | 'long-id' | 'unknown';
};

/** An IQ that must be answered: its `request`, or the `error` that answers it. `kind` is a metric label; the set is bounded. */
export type IqRequest =
  { readonly kind: string; readonly request: Request } | { readonly kind: string; readonly error: StanzaError };

/** The push node that a request is about. */
export const nodeOf = (iq: IqRequest): string | undefined =>
  'request' in iq && 'node' in iq.request ? iq.request.node : undefined;

/** The longest id of an IQ that is answered: the answer repeats it, and too large an answer costs us the stream. */
const maxIdBytes = 4096;

/** The bound of the options of a publish or registration, as JSON, and of the other fields of a summary. */
const maxOptionsBytes = 60_000;
const areTooLarge = (options: object): boolean => Buffer.byteLength(JSON.stringify(options)) > maxOptionsBytes;

/** Who gets the answer to a stanza, or why nobody does; the content does not matter. */
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

/** Reads a stanza. The order of the checks and their answers follow MongooseIM 6.8 (`mod_pubsub_old`, `mod_event_pusher_push`). */
export const readStanza = (stanza: Element, roles: readonly Role[]): IqRequest | Ignored => {
  const sender = senderOf(stanza);
  if ('ignored' in sender) return sender;
  const { type } = stanza.attrs as Readonly<Record<string, string | undefined>>;
  const [payload, ...more] = childElements(stanza);
  if ((type !== 'get' && type !== 'set') || !payload || more.length > 0)
    return { kind: 'malformed', error: stanzaErrors.badRequest('an iq is a get or a set with exactly one child') };
  const read = readers.get(payload.getNS() ?? '') ?? unknown;
  return read({ type, payload, sender, roles });
};

/** The envelope of a request and its one payload. */
export type Iq = {
  readonly type: 'get' | 'set';
  readonly payload: Element;
  readonly sender: Jid;
  readonly roles: readonly Role[];
};

const unknown = (): IqRequest => ({ kind: 'unknown', error: stanzaErrors.serviceUnavailable });

/** By the namespace of the payload. Any other namespace is answered `service-unavailable`. */
const readers: ReadonlyMap<string, (iq: Iq) => IqRequest> = new Map<string, (iq: Iq) => IqRequest>(
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

/** XEP-0060 requests that push nodes do not support, by element: the feature that the error names. */
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

const readPubsub = ({ type, payload, sender }: Iq): IqRequest => {
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

const readPublishNode = (publish: Publish, sender: Jid): IqRequest => {
  const kind = 'publish';
  const { node } = publish;
  if (!node) return { kind, error: stanzaErrors.nodeIdMissing };
  if (publish.payload === 'item-required') return { kind, error: stanzaErrors.itemRequired };
  if (publish.payload === 'item-invalid') return { kind, error: stanzaErrors.payloadInvalid };
  if (isTooLong(node)) return { kind, error: stanzaErrors.nodeUnknown };
  return {
    kind,
    request: {
      type: 'publish',
      sender: fullJid(sender),
      publisher: bareJid(sender),
      node,
      payload: readPayload(publish.payload),
      options: areTooLarge(publish.options) ? 'too-large' : publish.options,
    },
  };
};

type ItemPayload = Exclude<Publish['payload'], 'item-required' | 'item-invalid'>;

const readPayload = (payload: ItemPayload): Push['payload'] => {
  if (payload === 'payload-invalid') return 'invalid-payload';
  return payload === 'payload-required' ? payload : shortened(payload);
};

/** Octets of text that are kept: no push service takes a larger notification. */
const maxTextBytes = 4_096;

/**
 * Cuts what others wrote before the publish waits for anything, because all publishes under way must fit in memory. Its
 * length is never a reason to refuse: with an error, anybody who can write to a user could destroy the user's registration
 * with one long message.
 */
const shortened = (payload: Payload): Payload => {
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

const readPush = ({ type, payload, sender }: Iq): IqRequest => {
  const { name } = payload;
  const kind = name === 'enable' || name === 'disable' ? name : 'unknown';
  if (type === 'get') return { kind, error: stanzaErrors.notAllowed };
  const user = bareJid(sender);
  if (isTooLong((payload.attrs['node'] as string | undefined) ?? ''))
    return { kind, error: stanzaErrors.badRequest('node: at most 1023 octets') };
  if (name === 'enable') {
    const enable = readEnable(payload);
    if ('malformed' in enable) return { kind, error: stanzaErrors.badRequest(enable.malformed) };
    if (areTooLarge(enable.options)) return { kind, error: stanzaErrors.optionsTooLarge };
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
