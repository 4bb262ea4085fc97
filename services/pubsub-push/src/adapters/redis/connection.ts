import { backOffMs } from '@pushmesh/async';
import type { Log } from '@pushmesh/telemetry';
import { Redis, ReplyError } from 'ioredis';
import type { RedisOptions } from 'ioredis';
import { StoreUnavailable } from '../../ports.ts';
import { loadScripts } from './scripts.ts';
import type { Scripts } from './scripts.ts';

/** The one connection to Redis, for every store. A resource of the process. */
export type RedisConnection = {
  readonly name: 'redis';
  readonly client: Redis;
  readonly scripts: Scripts;
  /** Resolves with the answer; rejects with `StoreUnavailable` on any failure. */
  available<T>(answer: Promise<T>): Promise<T>;
  /** Begins to connect and returns at once: the client keeps trying, and until it succeeds `missing` says why. */
  start(): Promise<void>;
  /** What keeps Redis from being usable, in words; `undefined` when it is usable. */
  missing(): string | undefined;
  stop(): Promise<void>;
};

type Options = {
  readonly url: string;
  /** How long Redis may take to answer a command. */
  readonly timeoutMs: number;
  readonly log: Log;
  readonly onState?: (up: boolean) => void;
};

/** Nothing is buffered while Redis is unavailable: every command fails at once. */
export const connectRedis = ({ url, timeoutMs, log, onState = () => {} }: Options): RedisConnection => {
  const client = new Redis(url, clientOptions(timeoutMs));
  const { hostname, port } = new URL(url);
  const address = `${hostname}:${port || 6379}`;
  const reasonDown = followState(client, address, log, onState);
  const replies = watchReplies();

  return {
    name: 'redis',
    client,
    scripts: loadScripts(client),
    available: replies.available,
    start: () => {
      // The rejection adds nothing to the event `error`.
      client.connect().catch(() => {});
      return Promise.resolve();
    },
    missing: () => {
      const why = reasonDown();
      if (client.status !== 'ready') return `Redis at ${address} is ${client.status}${why ? ` (${why})` : ''}`;
      const code = replies.recentErrorCode();
      return code === undefined ? undefined : `Redis answers ${code}`;
    },
    stop: async () => {
      await client.quit().catch(() => client.disconnect());
    },
  };
};

const clientOptions = (timeoutMs: number) =>
  ({
    protocol: 2,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: timeoutMs,
    connectTimeout: 5_000,
    // If Redis hangs, the connection is cut together with what was queued on it: a command that was answered
    // `unavailable` must not be executed later.
    socketTimeout: 2 * timeoutMs,
    retryStrategy: (failures) => backOffMs(reconnectBackOff, failures, 'full', Math.random()) + 20,
  }) satisfies RedisOptions;

const reconnectBackOff = { firstMs: 100, maxMs: 2_000 };

/** Logs and reports when the connection comes and goes; returns a function that says why there is none. */
const followState = (client: Redis, address: string, log: Log, onState: (up: boolean) => void) => {
  let why: string | undefined;
  let isReported = false;
  client.on('ready', () => {
    why = undefined;
    log.info({ event: 'redis-ready' });
    onState(true);
  });
  client.on('close', () => onState(false));
  client.on('reconnecting', () => (isReported = false));
  client.on('error', (error: Error) => {
    // The first error of an attempt tells why it failed; the following ones only say that there is no connection.
    if (isReported) return;
    isReported = true;
    why = reasonOf(error);
    log.warn({ event: 'redis-error', address, why });
  });
  return () => why;
};

/**
 * Why there is no connection. The error itself must not be logged: ioredis adds the command to it, and an AUTH command
 * contains the password.
 */
const reasonOf = (error: Error & { code?: string }): string => {
  if (error instanceof ReplyError) {
    const code = codeOf(error);
    return credentialCodes.has(code) ? `${code}: check the user and password in REDIS_URL` : code;
  }
  if (/RESP type|^Protocol error/.test(error.message))
    return 'the server at this address is not Redis: check REDIS_URL';
  return error.code ?? error.message;
};

const credentialCodes: ReadonlySet<string> = new Set(['NOAUTH', 'NOPERM', 'WRONGPASS']);

/** The code of an error reply, such as READONLY, OOM or MASTERDOWN. The text after the code may contain keys. */
const codeOf = ({ message }: Error): string => /^[A-Z]+/.exec(message)?.[0] ?? 'an error';

/** Turns every failure of a command into `StoreUnavailable`, and remembers the last error that Redis replied with. */
const watchReplies = () => {
  let errorReply: { readonly code: string; readonly at: number } | undefined;
  return {
    available: async <T>(answer: Promise<T>): Promise<T> => {
      try {
        return await answer;
      } catch (error) {
        if (error instanceof ReplyError) errorReply = { code: codeOf(error as Error), at: Date.now() };
        throw new StoreUnavailable('Redis did not answer as expected', { cause: error });
      }
    },
    recentErrorCode: (): string | undefined =>
      errorReply && Date.now() - errorReply.at < errorReplyShownMs ? errorReply.code : undefined,
  };
};

/**
 * How long `missing` reports an error that Redis replied with. Redis still answers reads if it is out of memory or a
 * replica, so a successful answer does not mean that the error is over.
 */
const errorReplyShownMs = 10_000;
