import { maxAffiliations } from '@pushmesh/contracts';
import type { Element, StanzaError } from '@pushmesh/xmpp';

// Every stanza error that the gateway answers, in one place. Their types follow from what XMPP servers do with them: ejabberd
// drops a registration on the first error that is not `wait`, MongooseIM on the first `cancel`, Prosody after 16, and
// Tigase looks at the condition. So internal failures are always `wait` with `internal-server-error`.

const cancel = (condition: StanzaError['condition'], more: Partial<StanzaError> = {}): StanzaError => ({
  type: 'cancel',
  condition,
  ...more,
});
const modify = (condition: StanzaError['condition'], more: Partial<StanzaError> = {}): StanzaError => ({
  type: 'modify',
  condition,
  ...more,
});

const preconditionNotMet = (text: string): StanzaError => cancel('conflict', { pubsub: 'precondition-not-met', text });

export const stanzaErrors = {
  /** An internal failure of any kind, bugs included. */
  trouble: { type: 'wait', condition: 'internal-server-error' },
  /** The stanza is over a limit of the parser. */
  overLimit: {
    type: 'wait',
    condition: 'internal-server-error',
    text: 'the stanza is too large, too deep or has too many attributes',
  },
  /** The publisher may not publish, or the requester may not manage the node. */
  forbidden: { type: 'auth', condition: 'forbidden' },
  /** The node is unknown or retired: to us the device is dead. */
  nodeUnknown: cancel('item-not-found'),
  nodeExists: cancel('conflict'),
  /** XEP-0060 §8.1.1; there are no instant nodes. */
  nodeIdRequired: modify('not-acceptable', { pubsub: 'nodeid-required' }),
  /** A publish, affiliations or configure without `node`. */
  nodeIdMissing: modify('bad-request', { pubsub: 'nodeid-required' }),
  nodeIdTooLong: modify('not-acceptable', { text: 'node: at most 1023 octets' }),
  itemRequired: modify('bad-request', { pubsub: 'item-required' }),
  payloadRequired: modify('bad-request', { pubsub: 'payload-required' }),
  payloadInvalid: modify('bad-request', { pubsub: 'invalid-payload' }),
  payloadTooBig: modify('not-acceptable', { pubsub: 'payload-too-big' }),
  /** The publish-options do not say where to push. */
  preconditionNotMet,
  optionsTooLarge: preconditionNotMet('publish-options are too large'),
  accessModel: modify('not-acceptable', { pubsub: 'unsupported-access-model', text: 'only whitelist' }),
  configInvalid: (text: string): StanzaError => modify('not-acceptable', { text }),
  /** XEP-0060 §8.9.2.4; `payload` lists the current owners. */
  lastOwner: (payload: Element): StanzaError =>
    modify('not-acceptable', { text: 'a push node keeps at least one owner', payload }),
  badRequest: (text?: string): StanzaError => modify('bad-request', text === undefined ? {} : { text }),
  /** XEP-0060 §12.1: the error names the feature that is missing. */
  unsupported: (feature: string): StanzaError => cancel('feature-not-implemented', { pubsub: 'unsupported', feature }),
  notAllowed: cancel('not-allowed'),
  /** An IQ for something that does not exist here (RFC 6120 §8.4). */
  serviceUnavailable: cancel('service-unavailable'),
  tooMany: (text: string): StanzaError => ({ type: 'wait', condition: 'resource-constraint', text }),
  tooManyAffiliations: modify('not-acceptable', {
    text: `a push node has at most ${maxAffiliations} affiliations, and 8192 octets of them`,
  }),
} as const;
