import type { Push } from '@pushmesh/acceptance';
import type { PublishModel } from '@pushmesh/contracts';
import type { AffiliationChange, Disable, Element, Enable, Jid, StanzaError } from '@pushmesh/xmpp';
import type { Role } from '../config.ts';

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

/** What can be configured of a push node. */
export type NodeConfig = {
  readonly publishModel?: PublishModel;
  /** What a publish must have in the publish-option `secret` (XEP-0357 §3); empty: nothing. */
  readonly secret?: string;
};

/** The envelope of a request and its one payload. */
export type Iq = {
  readonly type: 'get' | 'set';
  readonly payload: Element;
  readonly sender: Jid;
  readonly roles: readonly Role[];
};

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

/** The longest node id. XEP-0060 sets no limit; this is the limit of a JID resource. */
const maxNodeBytes = 1023;

/** No node with a longer id exists here. */
export const isTooLong = (node: string): boolean => Buffer.byteLength(node) > maxNodeBytes;

/** The bound of the options of a publish or registration, as JSON, and of the other fields of a summary. */
export const maxOptionsBytes = 60_000;
export const areTooLarge = (options: object): boolean => Buffer.byteLength(JSON.stringify(options)) > maxOptionsBytes;
