import type { Payload, Push } from '@pushmesh/acceptance';
import { cutText } from '@pushmesh/contracts';
import { bareJid, fullJid } from '@pushmesh/xmpp';
import type { Jid, Publish } from '@pushmesh/xmpp';
import { areTooLarge, isTooLong, maxOptionsBytes } from './request.ts';
import type { IqRequest } from './request.ts';
import { stanzaErrors } from './stanza-errors.ts';

/** Reads a `<publish/>` to a push node (XEP-0357 §7) into the push that acceptance takes. */
export const readPublishRequest = (publish: Publish, sender: Jid): IqRequest => {
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
