import type { CommandType, Reply, ReplyTo } from '@pushmesh/contracts';
import type { NoReply } from '@pushmesh/bus';
import type { StanzaError } from '@pushmesh/xmpp';
import { stanzaErrors } from './stanza-errors.ts';

/** The replies that are no refusals, and the one that is told with what it holds. */
type Told =
  | 'created'
  | 'deleted'
  | 'affiliations'
  | 'configuration'
  | 'updated'
  | 'last-owner'
  | 'nodes'
  | 'enabled'
  | 'disabled';

/** The refusals that pubsub-push can give to each command, as stanza errors. A new refusal does not compile without one. */
type Refusals = {
  readonly [K in Exclude<CommandType, 'authorise-publish'>]: Readonly<Record<Exclude<ReplyTo[K], Told>, StanzaError>>;
};

const ofOwner = { 'not-found': stanzaErrors.nodeUnknown, forbidden: stanzaErrors.forbidden };

const refusals: Refusals = {
  'create-node': {
    conflict: stanzaErrors.nodeExists,
    'too-many': stanzaErrors.tooMany('this account has too many push nodes'),
  },
  'delete-node': ofOwner,
  'get-affiliations': ofOwner,
  'set-affiliations': { ...ofOwner, 'too-many': stanzaErrors.tooManyAffiliations },
  'get-configuration': ofOwner,
  'set-configuration': ofOwner,
  'list-nodes': {},
  enable: { 'too-many': stanzaErrors.tooMany('this account has too many registrations') },
  disable: {},
};

/**
 * The stanza error of a reply that is not the one hoped for; anything unforeseen is trouble of ours, such as the
 * `unreadable` of a pubsub-push from before the command.
 */
export const refusalOf = (command: keyof Refusals, reply: Reply | NoReply): StanzaError =>
  (refusals[command] as Readonly<Record<string, StanzaError | undefined>>)[reply.type] ?? stanzaErrors.trouble;
