import type { Bus } from '@pushmesh/bus';
import { decideAcceptance, toAuthorisation, toAuthoriseCommand } from './decision.ts';
import type { AcceptanceDecision, Refusal } from './decision.ts';
import type { Push } from './push.ts';
import { storeDelivery, storeUnverified } from './store.ts';

/** What a source is told about its push. */
export type Acceptance = { readonly type: 'accepted' } | Refusal;

type Ports = {
  readonly bus: Pick<Bus, 'request' | 'publish'>;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly defaultTtlMs: number;
  readonly maxPayloadBytes: number;
  /** A push was stored without authorisation because pubsub-push did not reply in time. */
  readonly onUnverified: () => void;
};

/** The entrance for every push: authorise, decide, store. `accepted` means that JetStream has the push. */
export const createAcceptPush = ({ bus, clock, defaultTtlMs, maxPayloadBytes, onUnverified }: Ports) => {
  return async (push: Push, traceparent: string): Promise<Acceptance> => {
    const command = toAuthoriseCommand(push, maxPayloadBytes);
    const authorisation = toAuthorisation(await bus.request('authorise-publish', command, traceparent));
    const decision = decideAcceptance({ push, authorisation, now: clock(), defaultTtlMs, maxPayloadBytes });
    if (decision.type === 'refuse') return decision.refusal;
    if (!(await store(bus, decision, traceparent))) return unavailable;
    if (decision.type === 'verify-later') onUnverified();
    return accepted;
  };
};

export type AcceptPush = ReturnType<typeof createAcceptPush>;

const accepted: Acceptance = { type: 'accepted' };
const unavailable: Acceptance = { type: 'unavailable' };

const store = (
  bus: Ports['bus'],
  decision: Exclude<AcceptanceDecision, { type: 'refuse' }>,
  traceparent: string,
): Promise<boolean> =>
  decision.type === 'deliver'
    ? storeDelivery(bus, decision.delivery, traceparent)
    : storeUnverified(bus, decision.publish, traceparent);
