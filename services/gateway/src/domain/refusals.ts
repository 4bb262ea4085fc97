import type { Refusal, RefusalType } from '@pushmesh/acceptance';
import type { CommandType, Reply, ReplyTo } from '@pushmesh/contracts';
import type { NoReply } from '@pushmesh/bus';
import type { StanzaError } from '@pushmesh/xmpp';
import { stanzaErrors } from './stanza-errors.ts';

// The refusals of acceptance and of pubsub-push as stanza errors. A new refusal does not compile without its row.

const ofPush: Readonly<Record<Exclude<RefusalType, 'incomplete-options'>, StanzaError>> = {
  'unknown-node': stanzaErrors.nodeUnknown,
  'payload-required': stanzaErrors.payloadRequired,
  'invalid-payload': stanzaErrors.payloadInvalid,
  'payload-too-big': stanzaErrors.payloadTooBig,
  'options-too-large': stanzaErrors.optionsTooLarge,
  forbidden: stanzaErrors.forbidden,
  unavailable: stanzaErrors.trouble,
};

/** The stanza error for a push that was not accepted. */
export const errorOfPush = (refusal: Refusal): StanzaError =>
  refusal.type === 'incomplete-options' ? stanzaErrors.preconditionNotMet(refusal.why) : ofPush[refusal.type];

/** The replies that the request handlers answer themselves: all successes, and `last-owner`, whose error lists the owners. */
type AnsweredByHandler =
  | 'created'
  | 'deleted'
  | 'affiliations'
  | 'configuration'
  | 'updated'
  | 'last-owner'
  | 'nodes'
  | 'enabled'
  | 'disabled';

/** The commands that acceptance sends, not the gateway. */
type AcceptanceCommand = 'authorise-publish';

type CommandRefusals = {
  readonly [K in Exclude<CommandType, AcceptanceCommand>]: Readonly<
    Record<Exclude<ReplyTo[K], AnsweredByHandler>, StanzaError>
  >;
};

const ofOwner = { 'not-found': stanzaErrors.nodeUnknown, forbidden: stanzaErrors.forbidden };

const ofCommand: CommandRefusals = {
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
 * The stanza error for a reply that refuses a command. Any reply without a row is an internal failure, such as the
 * `unreadable` of a pubsub-push that is older than the command.
 */
export const errorOfReply = (command: keyof CommandRefusals, reply: Reply | NoReply): StanzaError =>
  (ofCommand[command] as Readonly<Record<string, StanzaError | undefined>>)[reply.type] ?? stanzaErrors.trouble;
