import { bareJid, childElements, ns, parseJid, readPublish } from '@pushmesh/xmpp';
import type { Element, Jid } from '@pushmesh/xmpp';
import type { Role } from '../config.ts';
import { readCreateNode, readOwnerRequest, readUnsupported } from './read-node-request.ts';
import { readPublishRequest } from './read-publish-request.ts';
import { readPushRequest } from './read-push-request.ts';
import type { Ignored, Iq, IqRequest } from './request.ts';
import { stanzaErrors } from './stanza-errors.ts';

/** The longest id of an IQ that is answered: the answer repeats it, and too large an answer costs us the stream. */
const maxIdBytes = 4096;

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

/** Reads a stanza. The checks, their order and answers follow MongooseIM 6.8 (`mod_pubsub_old`, `mod_event_pusher_push`). */
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
    [ns.pubsubOwner]: (iq: Iq) => (isPubsub(iq) ? readOwnerRequest(iq) : unknown()),
    [ns.push]: (iq: Iq) => (iq.roles.includes('xmpp-server') ? readPushRequest(iq) : unknown()),
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
    if (publish) return readPublishRequest(publish, sender);
  }
  return readUnsupported(payload, unsupported);
};
