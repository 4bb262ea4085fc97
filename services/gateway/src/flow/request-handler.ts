import type { AcceptPush } from '@pushmesh/acceptance';
import type { Bus } from '@pushmesh/bus';
import type { Element, StanzaError } from '@pushmesh/xmpp';
import type { Role } from '../config.ts';
import type { Request } from '../domain/request.ts';

/** The answer to a request: a result, with or without a payload, or a stanza error. */
export type Answer = { readonly result: Element | undefined } | { readonly error: StanzaError };

export type RequestContext = {
  /** The component that was asked: the host of its push nodes. */
  readonly host: string;
  readonly roles: readonly Role[];
  readonly iqId: string;
  readonly traceparent: string;
};

/** What handlers need to answer. */
export type Ports = {
  /** Asks pubsub-push. */
  readonly bus: Pick<Bus, 'request'>;
  readonly acceptPush: AcceptPush;
};

/** One request in, one answer out. Throws only on bugs; the caller turns a throw into `wait`. */
export type Handler<K extends Request['type']> = (
  request: Extract<Request, { type: K }>,
  context: RequestContext,
  ports: Ports,
) => Promise<Answer>;

/** The answer of a request that was carried out and has nothing to report. */
export const done: Answer = { result: undefined };
