import type { Http2Session, ServerHttp2Stream } from 'node:http2';

type Goaway = {
  /** The last stream that was processed; 0 stands for all streams that arrived. */
  readonly lastId: number;
  /** An error code of RFC 9113 §7; NO_ERROR if absent. */
  readonly code?: number;
  /** Sent as JSON in the debug data, as APNs does. */
  readonly reason?: string;
};

/** The open HTTP/2 connections of a server, their open streams, and the GOAWAYs that they were sent. */
export const createHttp2Sessions = () => {
  /** The IDs of the open streams, in the order of their arrival. */
  const streams = new Map<Http2Session, Set<number>>();
  /** The lowest stream ID of the GOAWAYs that each connection was sent. */
  const lastIds = new WeakMap<Http2Session, number>();

  /** Without connections that Node.js has destroyed and not yet reported: it does so after ten unacknowledged SETTINGS. */
  const live = () => [...streams].filter(([session]) => !session.destroyed);

  /** A later GOAWAY must not raise the last stream ID (RFC 9113 §6.8), so one that would is not sent. */
  const goaway = (session: Http2Session, { lastId, code = 0, reason }: Goaway): void => {
    const before = lastIds.get(session) ?? Number.POSITIVE_INFINITY;
    if (before <= lastId || (lastId === 0 && before < Number.POSITIVE_INFINITY)) return;
    // To Node.js, 0 stands for the last stream that arrived.
    lastIds.set(session, lastId > 0 ? lastId : (session.state.lastProcStreamID ?? 0));
    session.goaway(code, lastId, reason === undefined ? undefined : Buffer.from(JSON.stringify({ reason })));
  };

  return {
    add: (session: Http2Session): void => {
      streams.set(session, new Set());
      session.on('close', () => streams.delete(session)).on('error', () => {});
    },
    addStream: (session: Http2Session | undefined, stream: ServerHttp2Stream): void => {
      const open = session && streams.get(session);
      const id = stream.id ?? 0;
      open?.add(id);
      stream.on('close', () => open?.delete(id));
    },
    count: (): number => streams.size,
    live: (): readonly Http2Session[] => live().map(([session]) => session),
    goaway,
    /** GOAWAY on all connections: the `unprocessed` newest of their open streams count as never seen. */
    goawayAll: (unprocessed: number, more: Omit<Goaway, 'lastId'>): void => {
      for (const [session, ids] of live()) {
        const firstUnprocessed = unprocessed === 0 ? undefined : [...ids].at(-unprocessed);
        goaway(session, { lastId: firstUnprocessed === undefined ? 0 : firstUnprocessed - 2, ...more });
      }
    },
    /** A GOAWAY has told the client that this stream is not processed. */
    isExcluded: (session: Http2Session, id: number): boolean => id > (lastIds.get(session) ?? id),
  };
};

export type Http2Sessions = ReturnType<typeof createHttp2Sessions>;
