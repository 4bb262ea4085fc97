import { messages, subjects } from '@pushmesh/contracts';
import type { Delivery, Result } from '@pushmesh/contracts';
import { isStored } from '@pushmesh/bus';
import type { Bus, MessageContext, Published, Settlement } from '@pushmesh/bus';
import { childTraceparent } from '@pushmesh/telemetry';
import { beforeAttempt, settle } from '../domain/settle.ts';
import type { Decision, RetrySettings } from '../domain/settle.ts';
import type { PushApi, Verdict } from '../ports.ts';

type Ports = {
  readonly pushApi: PushApi;
  readonly bus: Pick<Bus, 'publish'>;
  /** Records an end that only `explain` will ever read: together with others, which costs a fraction. */
  readonly recordDelivered: (result: Result) => Promise<Published>;
  readonly clock: () => number;
  readonly random: () => number;
  readonly retry: RetrySettings;
  /** The waits between attempts to store what was decided; after the last attempt the message is redelivered. */
  readonly storeWaitsMs: readonly number[];
  readonly sleep: (ms: number) => Promise<void>;
  readonly onAttempt: (delivery: Delivery, verdict: Verdict, context: MessageContext) => void;
  readonly onEnd: (delivery: Delivery, result: Result, context: MessageContext) => void;
};

/** One delivery: reads the clock, calls the push API, decides, stores what was decided, and only then acknowledges. */
export const createDeliver =
  ({ pushApi, bus, recordDelivered, clock, random, retry, storeWaitsMs, sleep, onAttempt, onEnd }: Ports) =>
  async (delivery: Delivery, context: MessageContext): Promise<Settlement> => {
    const { traceparent } = context;
    const decision = beforeAttempt(delivery, clock()) ?? (await attempt());
    if (decision.type === 'wait') return { type: 'retry', delayMs: decision.delayMs };
    const stored = await storeAtLast(decision);
    if (!stored) return { type: 'retry', delayMs: retry.capMs };
    if (decision.type === 'end') onEnd(delivery, decision.result, context);
    return { type: 'ack' };

    async function attempt(): Promise<Decision> {
      const verdict = await pushApi.send(delivery, childTraceparent(traceparent));
      onAttempt(delivery, verdict, context);
      return settle(delivery, verdict, retry, clock(), random);
    }

    // If it were sent again, the push would reach the phone twice: so only storing is repeated, for a reasonable time.
    async function storeAtLast(decided: Exclude<Decision, { type: 'wait' }>): Promise<boolean> {
      for (const waitMs of storeWaitsMs) {
        if (await store(decided)) return true;
        await sleep(waitMs * (0.5 + random() / 2));
      }
      return store(decided);
    }

    async function store(decided: Exclude<Decision, { type: 'wait' }>): Promise<boolean> {
      const { service, mode, id } = delivery;
      if (decided.type === 'again') {
        const how = { msgId: `${id}:${decided.delivery.attempt}`, traceparent };
        return isStored(await bus.publish(subjects.delivery(service, mode), messages.delivery, decided.delivery, how));
      }
      const { result } = decided;
      if (result.end === 'delivered') return isStored(await recordDelivered(result));
      const how = { msgId: `${id}:end`, traceparent };
      if (result.end === 'parked') {
        const parked = { v: 1 as const, delivery, result };
        if (!isStored(await bus.publish(subjects.parked(service), messages.parked, parked, how))) return false;
      }
      return isStored(await bus.publish(subjects.result(result.end), messages.result, result, how));
    }
  };
