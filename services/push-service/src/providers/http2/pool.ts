import type { SecureContextOptions } from 'node:tls';
import { createConnections } from './connections.ts';
import type { ConnectionChange, Member } from './connections.ts';
import type { Http2Request, Http2Response, StreamEnd } from './exchange.ts';
import { createPending, createWaiting } from './waiting.ts';
import type { Http2Answer, Http2Fault, Pending } from './waiting.ts';

export type { Http2Answer, Http2Request, Http2Response };

export type Http2PoolOptions = {
  /** `https://host` or `https://host:port`. */
  readonly origin: string;
  /** The maximum number of connections. */
  readonly connections: number;
  /** The maximum number of requests that wait for a stream. */
  readonly queueLimit: number;
  /** Milliseconds from the call to the whole answer, including the wait for a stream. */
  readonly timeoutMs: number;
  readonly tls?: SecureContextOptions & { readonly rejectUnauthorized?: boolean };
  /** The maximum number of streams on a connection; the peer's SETTINGS may allow fewer at any time (RFC 9113 §6.5.2). */
  readonly streamsPerConnection?: number;
  /** A connection is replaced when it is about this old. */
  readonly maxConnectionAgeMs?: number;
  readonly connectTimeoutMs?: number;
  /**
   * An idle peer is sent a PING after this long without a sign of life; a peer that owes an answer, after a second or
   * two.
   */
  readonly pingEveryMs?: number;
  /** A connection whose peer does not answer a PING within this time is closed. */
  readonly pingTimeoutMs?: number;
  readonly backoff?: { readonly firstMs: number; readonly maxMs: number };
  /** How many bytes of an answer's body are kept. */
  readonly maxBodyBytes?: number;
  /** Headers that differ from request to request: kept out of the peer's header table (RFC 7541 §7.1.3). */
  readonly neverIndexed?: readonly string[];
  /** If set, a new connection has one stream at a time until an answer passes this test. */
  readonly probeFirst?: (answer: Http2Response) => boolean;
  /** A connection that gave such an answer gets no more requests and is replaced. */
  readonly dropAfter?: (answer: Http2Response) => boolean;
  readonly onState?: (change: ConnectionChange) => void;
  /** [0, 1) */
  readonly random?: () => number;
};

/** The `queueLimit` of every provider's pool. */
export const queueLimit = 10_000;

const defaults = {
  streamsPerConnection: 100,
  maxConnectionAgeMs: 6 * 3_600_000,
  connectTimeoutMs: 5_000,
  pingEveryMs: 15_000,
  pingTimeoutMs: 2_000,
  backoff: { firstMs: 100, maxMs: 5_000 },
  maxBodyBytes: 65_536,
  neverIndexed: [],
  onState: () => {},
  random: Math.random,
} as const;

/**
 * A pool of HTTP/2 connections to one origin, for POSTs that must not be repeated.
 *
 * Built on `node:http2`, not on undici 8: undici replays correctly after GOAWAY, but it fills one connection before it opens
 * the next, accepts from SETTINGS only a lower stream limit, has no deadline for its PINGs and no bound for its queue, and
 * cannot drop a single connection.
 *
 * - A request goes to the least loaded connection, waits in a bounded queue when no stream is free, and is either answered
 *   or ended by its deadline.
 * - A request that the peer says it never processed (REFUSED_STREAM, or a stream above the last id of a GOAWAY: RFC 9113
 *   §6.8, §8.7) is sent once more. Any other request that dies with its connection is `connection_lost`: the peer may have
 *   processed it.
 */
export const createHttp2Pool = (given: Http2PoolOptions) => {
  const options = { ...defaults, ...given };
  const { timeoutMs, tls = {}, probeFirst, dropAfter } = options;
  const waiting = createWaiting(options.queueLimit);
  let unsettled = 0;
  let closing = false;
  let onIdle = () => {};

  const connections = createConnections(
    { ...options, origin: new URL(options.origin), tls, verify: tls.rejectUnauthorized ?? true, proves: probeFirst },
    { onRoom: () => pump(), onUnreachable: (why) => failWaiting(why) },
  );

  const failWaiting = (reason: string) => {
    for (let pending = waiting.take(); pending; pending = waiting.take())
      pending.settle(fault('unable_to_connect', reason));
  };

  const pump = () => {
    while (waiting.size() > 0) {
      const member = connections.spare();
      const pending = member && waiting.take();
      if (!pending) return;
      send(pending, member);
    }
  };

  const send = (pending: Pending, member: Member) => {
    try {
      const cancel = member.connection.send(pending.request, (end) => onEnd(pending, member, end));
      pending.cancel = () => {
        cancel();
        member.connection.ping(); // no answer may mean that the connection is dead
      };
    } catch (error) {
      pending.reject(error); // headers that cannot be sent are this caller's bug; other requests go on
    }
  };

  const onEnd = (pending: Pending, member: Member, end: StreamEnd) => {
    switch (end.type) {
      case 'answer':
        if (dropAfter?.(end)) connections.drop(member);
        else connections.worked(member);
        return pending.settle(end);
      case 'unprocessed':
        return replay(pending);
      case 'lost':
        return pending.settle(fault('connection_lost'));
    }
  };

  const replay = (pending: Pending) => {
    if (pending.isSettled()) return;
    if (pending.replayed || closing) return pending.settle(fault('unable_to_connect', 'refused'));
    pending.replayed = true;
    pending.cancel = undefined;
    waiting.add(pending);
    pump();
  };

  const onDeadline = (pending: Pending) => {
    const waited = waiting.remove(pending);
    pending.cancel?.();
    if (!waited) return pending.settle(fault('request_timeout'));
    const { connected } = connections.numbers();
    pending.settle(connected > 0 ? fault('request_timeout', 'no_stream') : fault('unable_to_connect', 'no_connection'));
  };

  return {
    /** Milliseconds that a request has, unless its caller sets a shorter limit. */
    timeoutMs,

    /** Whatever happens on the way is an answer; the promise rejects only for headers that HTTP/2 cannot carry. */
    request: (request: Http2Request, withinMs = timeoutMs): Promise<Http2Answer> => {
      if (closing) return Promise.resolve(fault('unable_to_connect', 'closed'));
      const member = waiting.size() === 0 ? connections.spare() : undefined;
      if (!member && waiting.isFull()) return Promise.resolve(fault('queue_full'));
      unsettled += 1;
      return new Promise((resolve, reject) => {
        const onSettled = () => {
          unsettled -= 1;
          if (unsettled === 0) onIdle();
        };
        const pending = createPending({ request, timeoutMs: withinMs, resolve, reject, onDeadline, onSettled });
        if (member) send(pending, member);
        else waiting.add(pending);
      });
    },

    connections: connections.numbers,

    /** Opens a first connection, so that its state is known before the first request. */
    open: connections.open,

    /**
     * After a change of credentials (`tls` if they are part of it): opens new connections, and finishes what is on the
     * old ones.
     */
    recycle: connections.recycle,

    /** Takes no more requests, answers what it has until the deadline, and ends the rest with a fault. */
    close: async (deadlineMs: number): Promise<void> => {
      closing = true;
      const idle = new Promise<void>((resolve) => {
        onIdle = resolve;
        if (unsettled === 0) resolve();
      });
      const deadline = setTimeout(() => {
        failWaiting('closed');
        connections.close();
      }, deadlineMs);
      await idle;
      clearTimeout(deadline);
      connections.close();
    },
  };
};

export type Http2Pool = ReturnType<typeof createHttp2Pool>;

const fault = (kind: Http2Fault['fault'], reason?: string): Http2Fault =>
  reason === undefined ? { type: 'fault', fault: kind } : { type: 'fault', fault: kind, reason };
