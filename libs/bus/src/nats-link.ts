import { setTimeout as sleep } from 'node:timers/promises';
import { AuthorizationError, connect, credsAuthenticator } from '@nats-io/transport-node';
import type { ConnectionOptions, NatsConnection, Status } from '@nats-io/transport-node';
import { JetStreamApiError, jetstreamManager } from '@nats-io/jetstream';
import { backOffMs, endOfTurn } from '@pushmesh/async';
import type { Log } from '@pushmesh/telemetry';
import { ensureStreams } from './streams.ts';
import type { StreamSettings } from './streams.ts';

export type NatsOptions = {
  /** `nats://host:port`, several separated by commas; `tls://` never connects without TLS. */
  readonly url: string;
  /** The text of a credentials file. */
  readonly creds?: string | undefined;
  /** Shown by the monitoring of the NATS server. */
  readonly name: string;
  readonly streams: StreamSettings;
};

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

type State = {
  readonly options: NatsOptions;
  readonly log: Log;
  readonly readyListeners: ((nats: NatsConnection) => void)[];
  readonly lostListeners: (() => void)[];
  /** Aborted when the link is closed. */
  readonly closing: AbortController;
  /** Aborted when the connection is lost; a new one for each loss. */
  loss: AbortController;
  nats: NatsConnection | undefined;
  up: boolean;
  missing: string | undefined;
  /** The last of the rounds that ensure the streams. They run one after the other. */
  round: Promise<void>;
  /** How many rounds have not ended. */
  rounds: number;
  /** When the last round was queued, in milliseconds of `performance.now()`. */
  roundAt: number;
};

const backOff = { firstMs: 200, maxMs: 5_000 };
const repairEveryMs = 5_000;

/** Begins to connect and returns at once. */
export const connectNats = (options: NatsOptions, log: Log): NatsLink => {
  const state: State = {
    options,
    log,
    readyListeners: [],
    lostListeners: [],
    closing: new AbortController(),
    loss: new AbortController(),
    nats: undefined,
    up: false,
    missing: `not connected to NATS at ${options.url} yet`,
    round: Promise.resolve(),
    rounds: 0,
    roundAt: 0,
  };
  void run(state);

  return {
    current: () => (state.up ? state.nats : undefined),
    missing: () => state.missing,
    onReady: (listener) => {
      state.readyListeners.push(listener);
      if (state.nats && state.up && state.missing === undefined) listener(state.nats);
    },
    onLost: (listener) => state.lostListeners.push(listener),
    repair: () => {
      // A round that has not ended goes on until it succeeds.
      const isDue = state.rounds === 0 && performance.now() - state.roundAt > repairEveryMs;
      if (state.nats && state.up && isDue) queueRound(state, state.nats);
    },
    close: async () => {
      state.closing.abort();
      await endOfTurn();
      if (state.up) await state.nats?.drain();
      else await state.nats?.close();
    },
  };
};

/** Connects, and follows what the client reports until the connection ends for good. */
const run = async (state: State): Promise<void> => {
  await connectFirst(state);
  const { nats } = state;
  if (!nats) return;
  state.up = true;
  queueRound(state, nats);
  for await (const status of nats.status()) follow(state, nats, status);
  if (state.closing.signal.aborted) return;
  // The client gave up, although it was told never to.
  state.up = false;
  state.missing = `the connection to NATS at ${state.options.url} was closed`;
  for (const listener of state.lostListeners) listener();
  void run(state);
};

const connectFirst = async (state: State): Promise<void> => {
  const { options, log, closing } = state;
  state.nats = undefined;
  for (let attempt = 1; !closing.signal.aborted; attempt += 1) {
    try {
      const nats = await connect(clientOptions(options));
      if (closing.signal.aborted) return await nats.close();
      state.nats = nats;
      return;
    } catch (err) {
      const hint = err instanceof AuthorizationError ? ': look at NATS_CREDS' : '';
      state.missing = `cannot connect to NATS at ${options.url}: ${(err as Error).message}${hint}`;
      log.warn({ event: 'nats-connect-failed', attempt, why: state.missing });
      await pause(attempt, closing.signal);
    }
  }
};

const clientOptions = ({ url, creds, name }: NatsOptions): ConnectionOptions => ({
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

/** The options of the client that say where to connect, and with which credentials. */
export const serversOf = (url: string, creds: string | undefined): ConnectionOptions => ({
  servers: url.split(',').map((server) => server.trim()),
  // The client ignores the scheme: it uses TLS if the server offers it, and does without if not.
  ...(/\btls:\/\//i.test(url) && { tls: {} }),
  // The client finds a block of credentials by the newline after its last line, and only without carriage returns.
  ...(creds && { authenticator: credsAuthenticator(new TextEncoder().encode(`${creds.replaceAll('\r', '')}\n`)) }),
});

const follow = (state: State, nats: NatsConnection, status: Status): void => {
  const { options, log } = state;
  if (status.type === 'disconnect') {
    state.up = false;
    state.loss.abort();
    state.loss = new AbortController();
    state.missing = `disconnected from NATS at ${options.url}`;
    log.warn({ event: 'nats-disconnected', server: status.server });
    for (const listener of state.lostListeners) listener();
  }
  if (status.type === 'reconnect') {
    state.up = true;
    log.info({ event: 'nats-reconnected', server: status.server });
    queueRound(state, nats);
  }
  if (status.type === 'error') log.warn({ event: 'nats-error', err: status.error });
};

/** The streams are ensured after every connect, because an operator may have wiped the server in between. */
const queueRound = (state: State, nats: NatsConnection): void => {
  const { signal } = state.loss;
  state.roundAt = performance.now();
  state.rounds += 1;
  state.round = state.round.then(() => ensureUsable(state, nats, signal)).finally(() => (state.rounds -= 1));
};

/**
 * Tries until the streams exist, then tells the listeners. Given up when the connection is lost: what was requested on it
 * never gets a reply, and the round of the next connection must not wait for that.
 */
const ensureUsable = async (state: State, nats: NatsConnection, loss: AbortSignal): Promise<void> => {
  const { options, log, closing } = state;
  const ended = AbortSignal.any([closing.signal, loss]);
  const ensure = async () => ensureStreams(await jetstreamManager(nats, { timeout: 5_000 }), options.streams);
  for (let attempt = 1; !ended.aborted && !nats.isClosed(); attempt += 1) {
    try {
      await orAborted(ensure(), ended);
      state.missing = undefined;
      log.info({ event: 'nats-ready', server: nats.info?.version });
      for (const listener of state.readyListeners) listener(nats);
      return;
    } catch (err) {
      if (ended.aborted) return;
      state.missing = `the streams are not usable: ${(err as Error).message}`;
      const code = err instanceof JetStreamApiError ? err.code : undefined;
      log.warn({ event: 'nats-streams-failed', attempt, code, err });
      await pause(attempt, ended);
    }
  }
};

/** The result of the work, or a rejection as soon as the signal is aborted. */
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

/** Waits before the next attempt, but no longer than until the signal is aborted. */
const pause = (attempt: number, signal: AbortSignal): Promise<void> =>
  sleep(backOffMs(backOff, attempt, 'full', Math.random()), undefined, { signal }).catch(() => {});
