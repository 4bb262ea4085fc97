import type { NatsConnection } from '@nats-io/transport-node';

/** A connection that comes up as soon as NATS does, however late, and comes back after every loss. */
export type NatsLink = {
  /** The connection while it is up; `undefined` while there is none. */
  current(): NatsConnection | undefined;
  /** What keeps NATS from being usable, in words; `undefined` when it is usable. */
  missing(): string | undefined;
  /** Calls back each time the connection is up and the streams exist; immediately if they do now. */
  onReady(listener: (nats: NatsConnection) => void): void;
  /** Calls back each time the connection is lost. */
  onLost(listener: () => void): void;
  /** For a stream or consumer that turned out to be missing: ensures the streams again, at most every few seconds. */
  repair(): void;
  /** Sends what is buffered and closes the connection. */
  close(): Promise<void>;
};

/** The state of a link. `connect-nats.ts` changes it; everything else reads it, as a `NatsLink`. */
export type LinkState = Pick<NatsLink, 'current' | 'missing' | 'onReady' | 'onLost'> & {
  /** Aborted when the connection is lost; a new signal after each loss. */
  lossSignal(): AbortSignal;
  /** The connection is up, for the first time or again. What was missing is missing until `ready`. */
  connected(nats: NatsConnection): void;
  /** The streams exist. */
  ready(nats: NatsConnection): void;
  /** NATS is not usable yet, for the reason given. */
  notReady(why: string): void;
  /** The connection is lost, for the reason given. */
  lost(why: string): void;
};

export const createLinkState = (whyNotReady: string): LinkState => {
  const readyListeners: ((nats: NatsConnection) => void)[] = [];
  const lostListeners: (() => void)[] = [];
  let connection: NatsConnection | undefined;
  let missing: string | undefined = whyNotReady;
  let loss = new AbortController();
  return {
    current: () => connection,
    missing: () => missing,
    onReady: (listener) => {
      readyListeners.push(listener);
      if (connection && missing === undefined) listener(connection);
    },
    onLost: (listener) => lostListeners.push(listener),
    lossSignal: () => loss.signal,
    connected: (nats) => {
      connection = nats;
    },
    ready: (nats) => {
      missing = undefined;
      for (const listener of readyListeners) listener(nats);
    },
    notReady: (why) => {
      missing = why;
    },
    lost: (why) => {
      connection = undefined;
      missing = why;
      loss.abort();
      loss = new AbortController();
      for (const listener of lostListeners) listener();
    },
  };
};
