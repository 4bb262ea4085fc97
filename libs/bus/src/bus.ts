import type { Subscription } from '@nats-io/transport-node';
import type { JsMsg } from '@nats-io/jetstream';
import { commandQueue, commandSubject, leases, streams, subjects } from '@pushmesh/contracts';
import type { Durable, Message } from '@pushmesh/contracts';
import { nowAndThen } from '@pushmesh/telemetry';
import type { Log, Metrics } from '@pushmesh/telemetry';
import { createAnswerer, openCommands } from './commands.ts';
import type { CommandHandler } from './commands.ts';
import { createCompany } from './company.ts';
import { openConnection } from './connection.ts';
import { openInbox } from './inbox.ts';
import { openLease } from './lease.ts';
import type { Lease } from './lease.ts';
import type { NatsOptions } from './connection.ts';
import { isStored, publishTo } from './publisher.ts';
import type { Published, PublishOptions } from './publisher.ts';
import { createPuller } from './puller.ts';
import type { Puller, Settlement } from './puller.ts';
import { prefixedStream, prefixedSubject } from './streams.ts';
import { busMetrics } from './metrics.ts';

export type MessageContext = { readonly traceparent: string | undefined };

export type ConsumeOptions<T> = {
  readonly durable: Durable;
  readonly message: Message<T>;
  readonly concurrency: number;
  readonly handle: (value: T, context: MessageContext) => Promise<Settlement>;
  /**
   * Since when what the message is about has been under way (ms since 1970), for messages that are stored anew on their
   * way. Without it the age of the queue counts from when a message was stored.
   */
  readonly beganAt?: (value: T) => number;
};

export type BusOptions = NatsOptions & {
  readonly publishTimeoutMs: number;
  /** How long a command may take to be answered. */
  readonly commandTimeoutMs: number;
  /** The most messages of this process that may wait for their PubAck, and the most for their reply. */
  readonly maxPublishesInFlight: number;
};

/** The variables of `@pushmesh/config`’s group `nats`, read. */
export type NatsConfig = {
  readonly NATS_URL: string;
  readonly NATS_CREDS?: string;
  readonly NATS_SUBJECT_PREFIX: string;
  readonly NATS_STREAM_REPLICAS: number;
  readonly NATS_STREAM_MAX_BYTES: number;
  readonly NATS_STREAM_MAX_MESSAGES: number;
  readonly PUBLISH_TIMEOUT_MS: number;
};

/** What a service tells the bus, from its configuration. */
export const busOptionsOf = (
  name: string,
  config: NatsConfig,
  { maxPublishesInFlight = 4_096, commandTimeoutMs = 1_000 } = {},
): BusOptions => ({
  name,
  url: config.NATS_URL,
  creds: config.NATS_CREDS,
  streams: {
    prefix: config.NATS_SUBJECT_PREFIX,
    replicas: config.NATS_STREAM_REPLICAS,
    maxBytes: config.NATS_STREAM_MAX_BYTES,
    maxMessages: config.NATS_STREAM_MAX_MESSAGES,
  },
  publishTimeoutMs: config.PUBLISH_TIMEOUT_MS,
  commandTimeoutMs,
  maxPublishesInFlight,
});

/** A message that no version of this code can read is tried this often, a minute apart, and then put aside. */
const unreadableTries = 20;
const unreadableRetryMs = 60_000;

/** How often the depth and age of the queues are asked for. */
const backlogEveryMs = 5_000;

/** The bus as the services see it: typed messages in, values out. Nothing here throws because NATS is away. */
export const createBus = (options: BusOptions, log: Log, metrics: Metrics) => {
  const measure = metrics.add(busMetrics);
  const connection = openConnection(options, log);
  const pubAcks = openInbox(connection, {
    timeoutMs: options.publishTimeoutMs,
    maxInFlight: options.maxPublishesInFlight,
  });
  const replies = openInbox(connection, {
    timeoutMs: options.commandTimeoutMs,
    maxInFlight: options.maxPublishesInFlight,
  });
  const { prefix } = options.streams;
  const consumers: Puller[] = [];
  const subscriptions: Subscription[] = [];
  const answerers: ReturnType<typeof createAnswerer>[] = [];

  connection.onReady(() => measure.connected.set(1));
  connection.onLost(() => measure.connected.set(0));

  /** By subject: one that is refused by the thousand must not hide another. */
  const tellRefused = new Map<string, ReturnType<typeof nowAndThen>>();
  const publishEncoded = async (
    subject: string,
    encode: () => Uint8Array,
    how: Partial<PublishOptions>,
  ): Promise<Published> => {
    const started = performance.now();
    const published = await publishTo(pubAcks, prefixedSubject(prefix, subject), encode, how);
    measure.publishSeconds.observe({ subject }, (performance.now() - started) / 1000);
    measure.published.inc({ subject, result: published.type });
    if (published.type === 'refused') {
      const { why } = published;
      const tell = tellRefused.get(subject) ?? nowAndThen();
      tellRefused.set(subject, tell);
      tell((times) => log.error({ event: 'publish-refused', subject, why, times }));
      connection.repair();
    }
    return published;
  };

  return {
    missing: connection.missing,

    /** Resolves when the bus is usable, at the latest after `withinMs`. */
    ready: (withinMs: number): Promise<void> =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, withinMs);
        connection.onReady(() => {
          clearTimeout(timer);
          resolve();
        });
      }),

    /** Publishes one message to JetStream and waits for the PubAck, for as long as `publishTimeoutMs`. */
    publish: <T>(subject: string, message: Message<T>, value: T, how: PublishOptions): Promise<Published> =>
      publishEncoded(subject, () => message.encode(value), how),

    /**
     * The same, in company: what is published through one of these in the same turn of the event loop is one message. It has
     * no key, so that what was stored unbeknown to us is stored again, and no trace of its own.
     */
    publisherInCompany: <T>(subject: string, message: Message<readonly T[]>, most: number) => {
      const join = createCompany<T, Published>(most, (leave) =>
        publishEncoded(subject, () => message.encode(leave()), {}),
      );
      return async (value: T): Promise<Published> => (await join(value)).outcome;
    },

    /** Asks pubsub-push and waits for as long as `commandTimeoutMs`; the reply is validated. */
    request: openCommands(replies, prefix, log),

    /** Answers commands, together with every other replica; refuses with `unavailable` beyond `maxInFlight`. */
    answer: (handler: CommandHandler, maxInFlight: number): void => {
      const answerer = createAnswerer(handler, maxInFlight, log);
      answerers.push(answerer);
      connection.onReady((nats) => {
        // It survives a reconnect by itself, but not the end of its connection.
        if (subscriptions.some((subscription) => !subscription.isClosed())) return;
        const subscription = nats.subscribe(prefixedSubject(prefix, commandSubject('*')), {
          queue: commandQueue,
          callback: (error, msg) => {
            if (!error) void answerer.answer(msg);
          },
        });
        subscriptions.push(subscription);
      });
    },

    /** Takes messages of a durable consumer and settles each as the handler says. */
    consume: <T>({ durable, message, concurrency, handle, beganAt }: ConsumeOptions<T>): Puller => {
      const labels = { durable: durable.name };
      const unreadable = async ({ data, seq, info }: JsMsg, why: string): Promise<Settlement> => {
        const tries = info.deliveryCount;
        log.error({ event: 'message-unreadable', durable: durable.name, tries, why });
        measure.received.inc({ ...labels, settled: 'unreadable' });
        if (tries < unreadableTries) return { type: 'retry', delayMs: unreadableRetryMs };
        const msgId = `unreadable-${durable.stream}-${seq}`;
        const parked = await publishEncoded(subjects.unreadable, () => data, { msgId });
        return isStored(parked) ? { type: 'ack' } : { type: 'retry', delayMs: unreadableRetryMs };
      };
      const puller = createPuller(connection, {
        durable,
        stream: prefixedStream(prefix, streams[durable.stream].name),
        concurrency,
        handle: (msg) => {
          const decoded = message.decode(msg.data);
          if (!decoded.ok) return unreadable(msg, decoded.why);
          return handle(decoded.value, { traceparent: traceparentOf(msg) });
        },
        beganAt: (data) => {
          if (!beganAt) return undefined;
          const decoded = message.decode(data);
          return decoded.ok ? beganAt(decoded.value) : undefined;
        },
        onSettled: (settled) => measure.received.inc({ ...labels, settled }),
        onFault: (err) => {
          log.error({ event: 'consume-fault', durable: durable.name, err });
          connection.repair();
        },
      });
      const watch = setInterval(() => {
        measure.inFlight.set(labels, puller.inFlight());
        measure.pulling.set(labels, puller.pulling() ? 1 : 0);
        void puller.backlog().then(
          (backlog) => {
            if (!backlog) return;
            measure.backlog.set(labels, backlog.waiting);
            measure.oldest.set(labels, backlog.oldestMs / 1000);
          },
          (err) => log.warn({ event: 'backlog-unknown', durable: durable.name, err }),
        );
      }, backlogEveryMs);
      watch.unref();
      consumers.push(puller);
      return puller;
    },

    /** Holds `key` whenever nobody else does: for what only one replica may do at a time. */
    lease: (key: string, onHeld: () => void, onLost: () => void): Lease =>
      openLease(connection, {
        bucket: prefixedStream(prefix, leases.bucket),
        key,
        ttlMs: leases.ttlMs,
        replicas: options.streams.replicas,
        onHeld,
        onLost,
        onFault: (err) => log.warn({ event: 'lease-fault', key, err }),
      }),

    /** Takes nothing new and waits for what was taken. */
    drain: async (): Promise<void> => {
      await Promise.all([
        ...consumers.map((consumer) => consumer.drain()),
        // What is on its way to us is still answered.
        ...(connection.current() ? subscriptions.map((subscription) => subscription.drain()) : []),
      ]);
      await Promise.all(answerers.map((answerer) => answerer.drain()));
    },

    /** Sends what is buffered and closes the connection. */
    close: async (): Promise<void> => {
      pubAcks.close();
      replies.close();
      await connection.close();
    },
  };
};

export type Bus = ReturnType<typeof createBus>;

const traceparentOf = (msg: { readonly headers?: { get(name: string): string } | undefined }): string | undefined =>
  msg.headers?.get('traceparent') || undefined;
