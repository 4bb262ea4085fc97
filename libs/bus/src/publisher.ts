import { createInbox, headers } from '@nats-io/transport-node';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import type { Connection } from './connection.ts';

/** How a JetStream publish ended. Only `stored` and `duplicate` mean that the message is safe. */
export type Published =
  | { readonly type: 'stored' | 'duplicate' }
  /** JetStream said no: the stream is full, is missing, or JetStream is off. */
  | { readonly type: 'refused'; readonly why: string }
  /** No answer in time; the message may have been stored. */
  | { readonly type: 'timeout' }
  | { readonly type: 'disconnected' }
  /** Too many publishes of this process wait for their PubAck. */
  | { readonly type: 'full' };

/** Whether the message is safe: stored now, or before. */
export const isStored = ({ type }: Published): boolean => type === 'stored' || type === 'duplicate';

export type PublishOptions = {
  /** Nats-Msg-Id: publishes with the same one are stored once within the stream’s window. */
  readonly msgId: string;
  readonly traceparent?: string | undefined;
};

type Waiting = { readonly resolve: (published: Published) => void; readonly deadline: number };

const sweepMs = 250;

/**
 * Publishes to JetStream with many publishes in flight: one inbox takes all PubAcks and one timer watches all
 * deadlines, so that a publish costs a tenth of a request/reply each.
 */
export const createPublisher = (connection: Connection, limits: { timeoutMs: number; maxInFlight: number }) => {
  const waiting = new Map<string, Waiting>();
  let inbox = '';
  let acks: Subscription | undefined;
  let counter = 0;

  const settle = (key: string, published: Published): void => {
    const entry = waiting.get(key);
    waiting.delete(key);
    entry?.resolve(published);
  };

  connection.onReady((nats) => {
    if (acks && !acks.isClosed()) return;
    inbox = createInbox();
    acks = nats.subscribe(`${inbox}.*`, {
      callback: (error, msg) => {
        if (!error) settle(msg.subject.slice(inbox.length + 1), toPublished(msg));
      },
    });
  });
  connection.onLost(() => {
    for (const key of waiting.keys()) settle(key, { type: 'disconnected' });
  });
  const sweep = setInterval(() => {
    const now = Date.now();
    for (const [key, { deadline }] of waiting) {
      // Deadlines are in the order of insertion, so the first that is not due ends the sweep.
      if (deadline > now) return;
      settle(key, { type: 'timeout' });
    }
  }, sweepMs);
  sweep.unref();

  const send = (
    nats: NatsConnection,
    key: string,
    subject: string,
    data: Uint8Array,
    options: PublishOptions,
  ): void => {
    const head = headers();
    head.set('Nats-Msg-Id', options.msgId);
    if (options.traceparent) head.set('traceparent', options.traceparent);
    nats.publish(subject, data, { reply: `${inbox}.${key}`, headers: head });
  };

  return {
    publish: (subject: string, data: Uint8Array, options: PublishOptions): Promise<Published> => {
      const nats = connection.current();
      if (!nats || !acks) return Promise.resolve({ type: 'disconnected' });
      if (waiting.size >= limits.maxInFlight) return Promise.resolve({ type: 'full' });
      counter += 1;
      const key = counter.toString(36);
      return new Promise((resolve) => {
        waiting.set(key, { resolve, deadline: Date.now() + limits.timeoutMs });
        try {
          send(nats, key, subject, data, options);
        } catch (error) {
          // Larger than the server takes, or the connection closed this very moment.
          settle(key, { type: 'refused', why: (error as Error).message });
        }
      });
    },
    inFlight: () => waiting.size,
    close: () => clearInterval(sweep),
  };
};

type PubAck = {
  stream?: string;
  duplicate?: boolean;
  error?: { code: number; err_code?: number; description?: string };
};

const toPublished = (msg: Msg): Published => {
  // 503: nobody listens on the subject, so no stream has it or JetStream is off.
  if (msg.headers?.code === 503) return { type: 'refused', why: 'no stream takes this subject' };
  const ack = msg.json<PubAck>();
  if (ack.error) return { type: 'refused', why: ack.error.description ?? `JetStream error ${ack.error.code}` };
  return { type: ack.duplicate ? 'duplicate' : 'stored' };
};
