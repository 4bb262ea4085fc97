// XEP-0060 §8: the requests of a push node's owner. The order of the checks and their answers follow MongooseIM 6.8.
import { bareJid, childElements, readAffiliations, readConfigure, readCreate } from '@pushmesh/xmpp';
import type { Element, Form, Jid, StanzaError } from '@pushmesh/xmpp';
import { maxAffiliations } from '@pushmesh/contracts';
import { stanzaErrors } from './stanza-errors.ts';
import { isTooLong } from './request.ts';
import type { Iq, IqRequest, NodeConfig } from './request.ts';

export const readUnsupported = (pubsub: Element, features: Readonly<Record<string, string>>): IqRequest => {
  const feature = childElements(pubsub)
    .map(({ name }) => (Object.hasOwn(features, name) ? features[name] : undefined))
    .find((each) => each !== undefined);
  return {
    kind: 'unsupported',
    error: feature ? stanzaErrors.unsupported(feature) : stanzaErrors.badRequest('pubsub: unknown request'),
  };
};

export const readCreateNode = (pubsub: Element, sender: Jid): IqRequest => {
  const kind = 'create-node';
  const create = readCreate(pubsub);
  if (!create || (create.type !== undefined && create.type !== 'push'))
    return { kind, error: stanzaErrors.unsupported('create-nodes') };
  if (!create.node) return { kind, error: stanzaErrors.nodeIdRequired };
  if (isTooLong(create.node)) return { kind, error: stanzaErrors.nodeIdTooLong };
  const config = create.configure ? readNodeConfig(create.configure) : {};
  if ('error' in config) return { kind, error: config.error };
  return { kind, request: { type: 'create-node', node: create.node, owner: bareJid(sender), ...config } };
};

/** The longest secret. */
const maxSecretBytes = 1023;

/**
 * Reads `pubsub#publish_model` and `pubsub#access_model` (XEP-0060 §16.4.3) and `secret`; push nodes ignore other fields. A
 * secret without a value changes nothing: the form that an owner fills in does not show the secret.
 */
const readNodeConfig = (form: Form): NodeConfig | { readonly error: StanzaError } => {
  if (form.type !== 'submit') return { error: stanzaErrors.badRequest('configure/x: type must be submit') };
  const [accessModel = 'whitelist'] = form.fields.get('pubsub#access_model') ?? [];
  if (accessModel !== 'whitelist') return { error: stanzaErrors.accessModel };
  const [publishModel] = form.fields.get('pubsub#publish_model') ?? [];
  if (publishModel !== undefined && publishModel !== 'publishers' && publishModel !== 'open')
    return { error: stanzaErrors.configInvalid('pubsub#publish_model: publishers or open') };
  const secrets = form.fields.get('secret') ?? [];
  const secret = secrets.join('\n');
  if (Buffer.byteLength(secret) > maxSecretBytes)
    return { error: stanzaErrors.configInvalid(`secret: at most ${maxSecretBytes} octets`) };
  return { ...(publishModel && { publishModel }), ...(secrets.length > 0 && { secret }) };
};

const unsupported = {
  default: 'retrieve-default',
  purge: 'persistent-items',
  subscriptions: 'manage-subscriptions',
};

/** Reads a request in the owner namespace; pubsub-push says whether the requester is an owner. */
export const readOwnerRequest = ({ type, payload, sender }: Iq): IqRequest => {
  const requester = bareJid(sender);
  const deletion = type === 'set' ? payload.getChild('delete') : undefined;
  if (deletion) return readDelete(deletion, requester);
  const affiliations = payload.getChild('affiliations');
  if (affiliations)
    return type === 'set'
      ? readSetAffiliations(affiliations, requester)
      : readGet('get-affiliations', affiliations, requester);
  const configure = payload.getChild('configure');
  if (configure)
    return type === 'set'
      ? readSetConfiguration(configure, requester)
      : readGet('get-configuration', configure, requester);
  return readUnsupported(payload, unsupported);
};

const nodeAttribute = ({ attrs }: Element): string => (attrs['node'] as string | undefined) ?? '';

const readDelete = (element: Element, requester: string): IqRequest => {
  const kind = 'delete-node';
  const node = nodeAttribute(element);
  if (!node) return { kind, error: stanzaErrors.notAllowed };
  if (isTooLong(node)) return { kind, error: stanzaErrors.nodeUnknown };
  return { kind, request: { type: 'delete-node', node, requester } };
};

const readGet = (kind: 'get-affiliations' | 'get-configuration', element: Element, requester: string): IqRequest =>
  ofNode(kind, element, (node) => ({ kind, request: { type: kind, node, requester } }));

/** Reads a request about a node, if a node of that name can exist. */
const ofNode = (kind: string, element: Element, read: (node: string) => IqRequest): IqRequest => {
  const node = nodeAttribute(element);
  if (!node) return { kind, error: stanzaErrors.nodeIdMissing };
  return isTooLong(node) ? { kind, error: stanzaErrors.nodeUnknown } : read(node);
};

const readSetAffiliations = (element: Element, requester: string): IqRequest => {
  const kind = 'set-affiliations';
  return ofNode(kind, element, (node) => {
    const affiliations = readAffiliations(element);
    if ('malformed' in affiliations) return { kind, error: stanzaErrors.badRequest(affiliations.malformed) };
    if (affiliations.length > maxAffiliations) return { kind, error: stanzaErrors.tooManyAffiliations };
    return { kind, request: { type: kind, node, requester, affiliations } };
  });
};

const readSetConfiguration = (element: Element, requester: string): IqRequest => {
  const kind = 'set-configuration';
  return ofNode(kind, element, (node) => {
    const form = readConfigure(element);
    if (!form) return { kind, error: stanzaErrors.badRequest('configure: a data form is expected') };
    // XEP-0060 §8.2.3: a cancelled form changes nothing.
    const config = form.type === 'cancel' ? {} : readNodeConfig(form);
    return 'error' in config
      ? { kind, error: config.error }
      : { kind, request: { type: kind, node, requester, ...config } };
  });
};
