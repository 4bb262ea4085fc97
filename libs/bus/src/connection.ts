import { setTimeout as sleep } from 'node:timers/promises';
import { AuthorizationError, connect, credsAuthenticator } from '@nats-io/transport-node';
import type { ConnectionOptions, NatsConnection } from '@nats-io/transport-node';
import { JetStreamApiError, jetstreamManager } from '@nats-io/jetstream';
import type { Log } from '@pushmesh/telemetry';
import { endOfTurn } from './end-of-turn.ts';
import { ensureStreams } from './streams.ts';
import type { StreamSettings } from './streams.ts';

export type NatsOptions = {
  /** `nats://host:port`, several separated by commas; `tls://` is never without TLS. */
  readonly url: string;
  /** Text of a credentials file. */
  readonly creds?: string | undefined;
  /** Shown by the NATS server’s monitoring. */
  readonly name: string;
  readonly streams: StreamSettings;
};

/** A connection that comes up when NATS does, whenever that is, and comes back after every loss. */
export type Connection = {
  /** The connection while it is up; `undefined` while there is none. */
  current(): NatsConnection | undefined;
  /** What keeps the bus from being usable, in words. */
  missing(): string | undefined;
  /** Calls back each time the connection is up and the streams are there; at once if they are. */
  onReady(listener: (nats: NatsConnection) => void): void;
  /** Something that should be there was not: makes sure of the streams again, at most every few seconds. */
  repair(): void;
  /** Calls back each time the connection is lost. */
  onLost(listener: () => void): void;
  /** Sends what is buffered and closes. */
  close(): Promise<void>;
};

/** The options of the client that say where to connect, and as whom. */
export const serversOf = (url: string, creds: string | undefined): ConnectionOptions => ({
  servers: url.split(',').map((server) => server.trim()),
  // The client reads no scheme: it takes TLS where the server offers it, and goes without where not.
  ...(/\btls:\/\//i.test(url) && { tls: {} }),
  // It finds a block of credentials by the end of its last line, and only without carriage returns.
  ...(creds && { authenticator: credsAuthenticator(new TextEncoder().encode(`${creds.replaceAll('\r', '')}\n`)) }),
});

const retryCapMs = 5_000;
const repairEveryMs = 5_000;

/** Begins to connect and returns at once. */
export const openConnection = ({ url, creds, name, streams }: NatsOptions, log: Log): Connection => {
  const ready: ((nats: NatsConnection) => void)[] = [];
  const lost: (() => void)[] = [];
  const closing = new AbortController();
  let nats: NatsConnection | undefined;
  let up = false;
  let missing: string | undefined = `not connected to NATS at ${url} yet`;

  const first = async (): Promise<void> => {
    nats = undefined;
    for (let attempt = 1; !closing.signal.aborted; attempt += 1) {
      try {
        nats = await connect({
          ...serversOf(url, creds),
          name,
          maxReconnectAttempts: -1,
          reconnectTimeWait: 250,
          reconnectJitter: 250,
          pingInterval: 10_000,
          maxPingOut: 2,
          timeout: 5_000,
          ignoreAuthErrorAbort: true,
        });
        if (!closing.signal.aborted) return;
        await nats.close();
        nats = undefined;
      } catch (err) {
        const look = err instanceof AuthorizationError ? ': look at NATS_CREDS' : '';
        missing = `cannot connect to NATS at ${url}: ${(err as Error).message}${look}`;
        log.warn({ event: 'nats-connect-failed', attempt, why: missing });
        await pause(backOff(attempt), closing.signal);
      }
    }
  };

  /**
   * The streams are made sure of after every connect: an operator may have wiped the server in between. Given up when the
   * connection is lost: what was asked then is never answered, and the next connect must not wait for that.
   */
  const prepare = async (connected: NatsConnection, loss: AbortSignal): Promise<void> => {
    const ended = AbortSignal.any([closing.signal, loss]);
    const ensure = async () => ensureStreams(await jetstreamManager(connected, { timeout: 5_000 }), streams);
    for (let attempt = 1; !ended.aborted && !connected.isClosed(); attempt += 1) {
      try {
        await orAborted(ensure(), ended);
        missing = undefined;
        log.info({ event: 'nats-ready', server: connected.info?.version });
        for (const listener of ready) listener(connected);
        return;
      } catch (err) {
        if (ended.aborted) return;
        missing = `the streams are not usable: ${(err as Error).message}`;
        log.warn({
          event: 'nats-streams-failed',
          attempt,
          code: err instanceof JetStreamApiError ? err.code : undefined,
          err,
        });
        await pause(backOff(attempt), ended);
      }
    }
  };

  let preparing: Promise<void> = Promise.resolve();
  let unprepared = 0;
  let preparedAt = 0;
  let loss = new AbortController();
  const prepareNext = (connected: NatsConnection): void => {
    preparedAt = performance.now();
    const { signal } = loss;
    unprepared += 1;
    preparing = preparing.then(() => prepare(connected, signal)).finally(() => (unprepared -= 1));
  };

  const watch = async (): Promise<void> => {
    await first();
    const connected = nats;
    if (!connected) return;
    up = true;
    prepareNext(connected);
    for await (const status of connected.status()) {
      if (status.type === 'disconnect') {
        up = false;
        loss.abort();
        loss = new AbortController();
        missing = `disconnected from NATS at ${url}`;
        log.warn({ event: 'nats-disconnected', server: status.server });
        for (const listener of lost) listener();
      }
      if (status.type === 'reconnect') {
        up = true;
        log.info({ event: 'nats-reconnected', server: status.server });
        prepareNext(connected);
      }
      if (status.type === 'error') log.warn({ event: 'nats-error', err: status.error });
    }
    // The client gave up for good, though it was told never to.
    if (closing.signal.aborted) return;
    up = false;
    missing = `the connection to NATS at ${url} was closed`;
    for (const listener of lost) listener();
    void watch();
  };
  void watch();

  return {
    current: () => (up ? nats : undefined),
    missing: () => missing,
    onReady: (listener) => {
      ready.push(listener);
      if (nats && up && missing === undefined) listener(nats);
    },
    repair: () => {
      // What is being made sure of already is tried until it works.
      if (nats && up && unprepared === 0 && performance.now() - preparedAt > repairEveryMs) prepareNext(nats);
    },
    onLost: (listener) => lost.push(listener),
    close: async () => {
      closing.abort();
      await endOfTurn();
      if (up) await nats?.drain();
      else await nats?.close();
    },
  };
};

const backOff = (attempt: number): number => Math.random() * Math.min(retryCapMs, 100 * 2 ** attempt);

/** What comes of the work, or a rejection as soon as the signal is aborted. */
const orAborted = async <T>(work: Promise<T>, signal: AbortSignal): Promise<T> => {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
};

/** Resolves after `ms`, or as soon as the signal is aborted. */
const pause = (ms: number, signal: AbortSignal): Promise<void> => sleep(ms, undefined, { signal }).catch(() => {});
