import type { Options, Summary } from '@pushmesh/contracts';

/** A push as its source hands it over: parsed, and cut to its bounds, because everything under way must fit in memory. */
export type Push = {
  /** The component that has the push node. */
  readonly host: string;
  readonly node: string;
  /** The bare JID that publishes: the user's server, or the user. */
  readonly publisher: string;
  /** Who sent the request, in full: request ids are unique for each sender only. */
  readonly sender: string;
  /** The sender's id of the request. A repeated request has the same id and is stored once. */
  readonly requestId: string;
  readonly payload: Payload | PayloadFault;
  /** The publish-options (XEP-0357 §5). A source does not keep options that are larger than it allows. */
  readonly options: Options | 'too-large';
};

/** `otherBytes`: octets of the notification without the sender and the text of the message, which are cut instead. */
export type Payload = { readonly summary: Summary; readonly otherBytes: number };

/** There is no payload, or it is not a notification. */
export type PayloadFault = 'payload-required' | 'invalid-payload';
