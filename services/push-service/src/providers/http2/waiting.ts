import type { Http2Request, Http2Response } from './exchange.ts';

/**
 * Why there is no answer. Only `connection_lost` and `request_timeout` leave open whether the peer processed the request;
 * with the others it certainly did not. `reason` is an error code of Node, OpenSSL or this pool.
 */
export type Http2Fault = {
  readonly type: 'fault';
  readonly fault: 'unable_to_connect' | 'connection_lost' | 'request_timeout' | 'queue_full';
  readonly reason?: string;
};

export type Http2Answer = Http2Response | Http2Fault;

/** A request from the call to its answer. */
export type Pending = {
  readonly request: Http2Request;
  readonly settle: (answer: Http2Answer) => void;
  readonly reject: (error: unknown) => void;
  readonly isSettled: () => boolean;
  /** Cancels the stream that it is on. */
  cancel: (() => void) | undefined;
  replayed: boolean;
};

type PendingOptions = {
  readonly request: Http2Request;
  /** Covers both the wait and the answer. */
  readonly timeoutMs: number;
  readonly resolve: (answer: Http2Answer) => void;
  readonly reject: (error: unknown) => void;
  /** Called at the deadline if the request is not settled by then. */
  readonly onDeadline: (pending: Pending) => void;
  /** Called once. */
  readonly onSettled: () => void;
};

export const createPending = ({
  request,
  timeoutMs,
  resolve,
  reject,
  onDeadline,
  onSettled,
}: PendingOptions): Pending => {
  let settled = false;
  const once =
    <T>(give: (value: T) => void) =>
    (value: T) => {
      if (settled) return;
      settled = true;
      clearTimeout(deadline);
      give(value);
      onSettled();
    };
  const pending: Pending = {
    request,
    settle: once(resolve),
    reject: once(reject),
    isSettled: () => settled,
    cancel: undefined,
    replayed: false,
  };
  // If this process stalled, the answer may be waiting in the socket: read it first, then judge.
  const deadline = setTimeout(() => setImmediate(() => settled || onDeadline(pending)), timeoutMs).unref();
  return pending;
};

/** The requests that wait for a stream: first come, first served, but replays, which have waited before, go first. */
export const createWaiting = (limit: number) => {
  const replays = new Set<Pending>();
  const fresh = new Set<Pending>();
  return {
    isFull: () => fresh.size >= limit,
    size: () => replays.size + fresh.size,
    add: (pending: Pending) => void (pending.replayed ? replays : fresh).add(pending),
    remove: (pending: Pending) => replays.delete(pending) || fresh.delete(pending),
    take: (): Pending | undefined => {
      for (const queue of [replays, fresh])
        for (const pending of queue) {
          queue.delete(pending);
          return pending;
        }
      return undefined;
    },
  };
};
