import { leases, prefixedStream } from '@pushmesh/contracts';
import type { Message } from '@pushmesh/contracts';
import type { Log, Metrics } from '@pushmesh/telemetry';
import { connectNats } from './connect-nats.ts';
import { openConsumer } from './consume.ts';
import type { ConsumeOptions } from './consume.ts';
import { openInbox } from './inbox.ts';
import { openLease } from './lease.ts';
import type { Lease } from './lease.ts';
import { busMetrics } from './metrics.ts';
import type { NatsLink } from './nats-link.ts';
import type { BusOptions } from './options.ts';
import { createPublisher } from './publish.ts';
import type { Published, PublishOptions } from './publish.ts';
import type { PullConsumer } from './pull-consumer.ts';
import { createRequester } from './request.ts';
import type { Requester } from './request.ts';
import { openResponder } from './respond.ts';
import type { CommandHandler } from './respond.ts';

/**
 * NATS as the services see it: typed messages in, values out. Nothing here throws because NATS is down. A bus is a
 * resource of the process: it has a name, says what is missing, and can be drained and stopped.
 */
export type Bus = {
  readonly name: 'nats';

  /** What keeps the bus from being usable, in words; `undefined` when it is usable. */
  missing(): string | undefined;

  /** Resolves once the bus is usable, or after `withinMs`. */
  ready(withinMs: number): Promise<void>;

  /** Publishes a message to JetStream and waits for its PubAck, for up to `publishTimeoutMs`. */
  publish<T>(subject: string, message: Message<T>, value: T, options: PublishOptions): Promise<Published>;

  /**
   * A function that publishes one value. The values of one turn of the event loop share a message, up to `maxItems` of
   * them. Such a message has no trace of its own and no Nats-Msg-Id: one that was stored although its PubAck was lost is
   * stored again when it is published again.
   */
  batchPublisher<T>(
    subject: string,
    message: Message<readonly T[]>,
    maxItems: number,
  ): (value: T) => Promise<Published>;

  /** Sends a command and waits for its reply, for up to `commandTimeoutMs`. The reply is validated. */
  readonly request: Requester;

  /** Replies to commands, sharing them with every other replica; `unavailable` beyond `maxInFlight`. */
  respond(handler: CommandHandler, maxInFlight: number): void;

  /** Takes messages from a durable consumer and settles each as the handler says. */
  consume<T>(options: ConsumeOptions<T>): PullConsumer;

  /** Holds `key` whenever no other process does: for work that only one replica may do at a time. */
  lease(key: string, onHeld: () => void, onLost: () => void): Lease;

  /** Takes nothing new and waits until everything that was taken is done. */
  drain(): Promise<void>;

  /** Sends what is buffered and closes the connection. */
  stop(): Promise<void>;
};

/** Begins to connect and returns at once. */
export const createBus = (options: BusOptions, log: Log, metrics: Metrics): Bus => {
  const measure = metrics.add(busMetrics);
  const { prefix, replicas } = options.streams;
  const link = connectNats(options, log);
  link.onReady(() => measure.connected.set(1));
  link.onLost(() => measure.connected.set(0));

  const maxInFlight = options.maxPublishesInFlight;
  const pubAcks = openInbox(link, { timeoutMs: options.publishTimeoutMs, maxInFlight });
  const replies = openInbox(link, { timeoutMs: options.commandTimeoutMs, maxInFlight });
  const publisher = createPublisher({ link, pubAcks, prefix, log, measure });
  const drains: (() => Promise<void>)[] = [];

  return {
    name: 'nats',
    missing: link.missing,
    ready: (withinMs) => readyWithin(link, withinMs),
    publish: publisher.publish,
    batchPublisher: publisher.batchPublisher,
    request: createRequester({ replies, prefix, log }),
    respond: (handler, maxCommands) => {
      drains.push(openResponder({ link, prefix, log }, handler, maxCommands).drain);
    },
    consume: (consumeOptions) => {
      const consumer = openConsumer({ link, publisher, prefix, log, measure }, consumeOptions);
      drains.push(consumer.drain);
      return consumer;
    },
    lease: (key, onHeld, onLost) =>
      openLease(link, {
        bucket: prefixedStream(prefix, leases.bucket),
        key,
        ttlMs: leases.ttlMs,
        replicas,
        onHeld,
        onLost,
        onFault: (err) => log.warn({ event: 'lease-fault', key, err }),
      }),
    drain: async () => {
      await Promise.all(drains.map((drain) => drain()));
    },
    stop: async () => {
      pubAcks.close();
      replies.close();
      await link.close();
    },
  };
};

const readyWithin = (link: NatsLink, ms: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    link.onReady(() => {
      clearTimeout(timer);
      resolve();
    });
  });
