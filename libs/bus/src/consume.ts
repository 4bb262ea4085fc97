import type { JsMsg } from '@nats-io/jetstream';
import { prefixedStream, streams, subjects } from '@pushmesh/contracts';
import type { Durable, Message } from '@pushmesh/contracts';
import type { Log } from '@pushmesh/telemetry';
import type { BusMetrics } from './metrics.ts';
import type { NatsLink } from './nats-link.ts';
import { isStored } from './publish.ts';
import type { Publisher } from './publish.ts';
import { createPullConsumer } from './pull-consumer.ts';
import type { PullConsumer, Settlement } from './pull-consumer.ts';

export type MessageContext = { readonly traceparent: string | undefined };

export type ConsumeOptions<T> = {
  readonly durable: Durable;
  readonly message: Message<T>;
  /** How many messages may be in flight at a time. */
  readonly concurrency: number;
  /** Expected failures are settlements. A throw is a bug: it is logged, and the message comes again after a back-off. */
  readonly handle: (value: T, context: MessageContext) => Promise<Settlement>;
  /**
   * When the work that a message carries began (ms since 1970), for messages that are stored again on their way. Without
   * it the age of the queue counts from when a message was stored.
   */
  readonly beganAt?: (value: T) => number;
};

type Ports = {
  readonly link: NatsLink;
  readonly publisher: Pick<Publisher, 'publishBytes'>;
  readonly prefix: string;
  readonly log: Log;
  readonly measure: BusMetrics;
};

/** How often the depth and age of a queue are measured. */
const backlogEveryMs = 5_000;

/** Takes messages from a durable consumer, decodes each, and measures the queue. */
export const openConsumer = <T>(ports: Ports, options: ConsumeOptions<T>): PullConsumer => {
  const { link, prefix, log, measure } = ports;
  const { durable, message, concurrency, handle, beganAt } = options;
  const consumer = createPullConsumer(link, {
    durable,
    stream: prefixedStream(prefix, streams[durable.stream].name),
    concurrency,
    handle: (msg) => {
      const decoded = message.decode(msg.data);
      if (!decoded.ok) return settleUnreadable(ports, durable, msg, decoded.why);
      return handle(decoded.value, { traceparent: traceparentOf(msg) });
    },
    beganAt: (data) => {
      if (!beganAt) return undefined;
      const decoded = message.decode(data);
      return decoded.ok ? beganAt(decoded.value) : undefined;
    },
    onSettled: (settled) => measure.received.inc({ durable: durable.name, settled }),
    onFault: (err) => {
      log.error({ event: 'consume-fault', durable: durable.name, err });
      link.repair();
    },
  });
  setInterval(() => measureQueue(ports, durable, consumer), backlogEveryMs).unref();
  return consumer;
};

const traceparentOf = (msg: JsMsg): string | undefined => msg.headers?.get('traceparent') || undefined;

/** A message that this version cannot read is tried this many times, a minute apart, and then parked. */
const unreadableTries = 20;
const unreadableRetryMs = 60_000;

const settleUnreadable = async (
  { publisher, log, measure }: Ports,
  durable: Durable,
  { data, seq, info }: JsMsg,
  why: string,
): Promise<Settlement> => {
  const tries = info.deliveryCount;
  log.error({ event: 'message-unreadable', durable: durable.name, tries, why });
  measure.received.inc({ durable: durable.name, settled: 'unreadable' });
  if (tries < unreadableTries) return { type: 'retry', delayMs: unreadableRetryMs };
  const msgId = `unreadable-${durable.stream}-${seq}`;
  const parked = await publisher.publishBytes(subjects.unreadable, () => data, { msgId });
  return isStored(parked) ? { type: 'ack' } : { type: 'retry', delayMs: unreadableRetryMs };
};

const measureQueue = ({ log, measure }: Ports, { name: durable }: Durable, consumer: PullConsumer): void => {
  measure.inFlight.set({ durable }, consumer.inFlight());
  measure.pulling.set({ durable }, consumer.pulling() ? 1 : 0);
  void consumer.backlog().then(
    (backlog) => {
      if (!backlog) return;
      measure.backlog.set({ durable }, backlog.waiting);
      measure.oldest.set({ durable }, backlog.oldestMs / 1000);
    },
    (err) => log.warn({ event: 'backlog-unknown', durable, err }),
  );
};
