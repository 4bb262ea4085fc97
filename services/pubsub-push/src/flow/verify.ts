import { storeDelivery } from '@pushmesh/acceptance';
import { messages, subjects } from '@pushmesh/contracts';
import type { Command, Delivery, Reply, Result, UnverifiedPublish } from '@pushmesh/contracts';
import { isStored } from '@pushmesh/bus';
import type { Bus, MessageContext, Settlement } from '@pushmesh/bus';
import { traceIdOf } from '@pushmesh/telemetry';
import type { Log } from '@pushmesh/telemetry';

/** What became of an unverified publish. */
type Verdict = 'allowed' | 'not-found' | 'forbidden';

type Ports = {
  readonly authorise: (type: 'authorise-publish', command: Command<'authorise-publish'>) => Promise<Reply>;
  readonly bus: Pick<Bus, 'publish'>;
  readonly clock: () => number;
  readonly log: Log;
  readonly onVerified: (verdict: Verdict) => void;
};

/**
 * A publish that was accepted while we were away gets its verdict now: a delivery, or a recorded end. The sender was
 * told `result` already; a node that turns out to be unknown is told at the next publish.
 */
export const createVerify =
  ({ authorise, bus, clock, log, onVerified }: Ports) =>
  async ({ delivery, ...publish }: UnverifiedPublish, { traceparent }: MessageContext): Promise<Settlement> => {
    const { host, node } = delivery.node;
    const reply = await authorise('authorise-publish', { ...publish, host, node });
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

/** The end of a push that should not have been accepted: its node is dead, or its publisher had no right to it. */
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
