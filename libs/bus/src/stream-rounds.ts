import { JetStreamApiError, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Log } from '@pushmesh/telemetry';
import { backOff } from './back-off.ts';
import type { LinkState } from './nats-link.ts';
import { ensureStreams } from './streams.ts';
import type { StreamSettings } from './streams.ts';

/** Rounds that ensure the streams and then report the link as ready. They run one after the other. */
export type StreamRounds = {
  /** Queues a round. One is due after every connect: an operator may have wiped the server in between. */
  queue(nats: NatsConnection): void;
  /** Queues a round unless one has not ended, or the last one was queued within the last few seconds. */
  repair(nats: NatsConnection): void;
};

/** @param closing aborted when the link is closed */
export const createStreamRounds = (
  settings: StreamSettings,
  link: LinkState,
  closing: AbortSignal,
  log: Log,
): StreamRounds => {
  let last: Promise<void> = Promise.resolve();
  let notEnded = 0;
  let queuedAt = 0;
  const rounds: StreamRounds = {
    queue: (nats) => {
      const ended = AbortSignal.any([closing, link.lossSignal()]);
      queuedAt = performance.now();
      notEnded += 1;
      last = last.then(() => ensureReady(nats, settings, link, ended, log)).finally(() => (notEnded -= 1));
    },
    repair: (nats) => {
      // A round that has not ended goes on until it succeeds.
      if (notEnded === 0 && performance.now() - queuedAt > repairEveryMs) rounds.queue(nats);
    },
  };
  return rounds;
};

const repairEveryMs = 5_000;

/**
 * Tries until the streams exist, then calls the listeners. `ended` is aborted when the connection is lost: a request that
 * was sent on it never gets a reply, and the round of the next connection must not wait for that.
 */
const ensureReady = async (
  nats: NatsConnection,
  settings: StreamSettings,
  link: LinkState,
  ended: AbortSignal,
  log: Log,
): Promise<void> => {
  const ensure = async () => ensureStreams(await jetstreamManager(nats, { timeout: 5_000 }), settings);
  for (let attempt = 1; !ended.aborted && !nats.isClosed(); attempt += 1) {
    try {
      await orAborted(ensure(), ended);
      log.info({ event: 'nats-ready', server: nats.info?.version });
      link.ready(nats);
      return;
    } catch (err) {
      if (ended.aborted) return;
      link.notReady(`the streams are not usable: ${(err as Error).message}`);
      const code = err instanceof JetStreamApiError ? err.code : undefined;
      log.warn({ event: 'nats-streams-failed', attempt, code, err });
      await backOff(attempt, ended);
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
