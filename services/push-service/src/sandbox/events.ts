import type { Writable } from 'node:stream';

type Bounds = {
  readonly maxSubscribers: number;
  /** Bytes that may wait for a slow subscriber; beyond that, the subscriber is dropped. */
  readonly maxWaitingBytes: number;
  readonly heartbeatMs: number;
};

/** Server-sent events (WHATWG HTML §9.2) for all subscribers. */
export const createEvents = ({ maxSubscribers, maxWaitingBytes, heartbeatMs }: Bounds) => {
  const subscribers = new Set<Writable>();

  const send = (text: string) => {
    for (const subscriber of subscribers) {
      subscriber.write(text);
      if (subscriber.writableLength > maxWaitingBytes) subscriber.destroy();
    }
  };
  const heartbeat = setInterval(() => send(': still here\n\n'), heartbeatMs);
  heartbeat.unref();

  return {
    isEmpty: () => subscribers.size === 0,
    isFull: () => subscribers.size >= maxSubscribers,
    subscribe: (subscriber: Writable) => {
      subscribers.add(subscriber);
      subscriber.once('close', () => subscribers.delete(subscriber));
      subscriber.on('error', () => subscriber.destroy());
    },
    publish: (id: number, value: unknown) => {
      if (subscribers.size > 0) send(`id: ${id}\ndata: ${JSON.stringify(value)}\n\n`);
    },
    close: () => {
      clearInterval(heartbeat);
      for (const subscriber of subscribers) subscriber.end();
    },
  };
};
