import { storeDelivery } from '@pushmesh/acceptance';
import { messages, subjects } from '@pushmesh/contracts';
import type { Command, Delivery, Reply, Result, UnverifiedPublish } from '@pushmesh/contracts';
import { isStored } from '@pushmesh/bus';
import type { Bus, MessageContext, Settlement } from '@pushmesh/bus';
import { traceIdOf } from '@pushmesh/telemetry';
import type { Log } from '@pushmesh/telemetry';

/** The verdict on an unverified publish. */
type Verdict = 'allowed' | 'not-found' | 'forbidden';

type Ports = {
  readonly authorise: (command: Command<'authorise-publish'>) => Promise<Reply>;
  readonly bus: Pick<Bus, 'publish'>;
  readonly clock: () => number;
  readonly log: Log;
  readonly onVerified: (verdict: Verdict) => void;
};

/**
 * Gives a verdict on a publish that was accepted while pubsub-push was unavailable: it becomes a delivery, or a
 * recorded end. The publisher already received `result`; if the node turns out to be unknown, it learns that at its
 * next publish.
 */
export const createVerify =
  ({ authorise, bus, clock, log, onVerified }: Ports) =>
  async ({ delivery, ...publish }: UnverifiedPublish, { traceparent }: MessageContext): Promise<Settlement> => {
    const { host, node } = delivery.node;
    const reply = await authorise({ ...publish, host, node });
    const settled = (verdict: Verdict): Settlement => {
      onVerified(verdict);
      return { type: 'ack' };
    };

    if (reply.type === 'allowed') {
      const verified: Delivery = { ...delivery, node: { host, node, version: reply.version } };
      return (await storeDelivery(bus, verified, traceparent)) ? settled('allowed') : { type: 'retry' };
    }
    if (reply.type !== 'not-found' && reply.type !== 'forbidden') return { type: 'retry' };

    const result = refusal(delivery, reply.type, clock());
    const how = { msgId: `${delivery.id}:end`, traceparent };
    const stored = await bus.publish(subjects.result(result.end), messages.result, result, how);
    if (!isStored(stored)) return { type: 'retry' };
    const { end, outcome, reason } = result;
    const { id, service: push_service, mode } = delivery;
    const traceId = traceIdOf(traceparent);
    log.info({ event: 'ended', push_service, mode, end, outcome, reason, delivery: id, node, attempt: 0, traceId });
    return settled(reply.type);
  };

/** The end of a publish that should not have been accepted: node unknown or retired, or publisher not authorised. */
const refusal = (delivery: Delivery, why: 'not-found' | 'forbidden', now: number): Result => ({
  v: 1,
  delivery: delivery.id,
  node: delivery.node,
  service: delivery.service,
  mode: delivery.mode,
  ...(why === 'not-found'
    ? { end: 'unregistered', outcome: 'unregistered', reason: 'the push node is unknown or retired' }
    : { end: 'refused', outcome: 'rejected', reason: 'the publisher is not permitted' }),
  attempt: 0,
  acceptedAt: delivery.acceptedAt,
  endedAt: now,
});
