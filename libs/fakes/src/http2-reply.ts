import { constants } from 'node:http2';
import type { Http2Session, ServerHttp2Stream } from 'node:http2';
import type { TransportFault } from './behaviour.ts';
import type { Http2Sessions } from './http2-sessions.ts';

/** An HTTP answer. */
export type Answer = {
  readonly type: 'answer';
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Milliseconds that the answer takes to trickle in. */
  readonly overMs?: number;
};

/** What a fake does with a request: it answers, or fails as servers and networks do. */
export type FakeReply = Answer | TransportFault;

/** Sends replies on HTTP/2 streams. `stop` drops the rest of those that trickle in. */
export const createReplySender = (goaway: Http2Sessions['goaway']) => {
  const timers = new Set<NodeJS.Timeout>();

  const later = (ms: number, run: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      run();
    }, ms);
    timers.add(timer);
  };

  const drip = (stream: ServerHttp2Stream, rest: string, stepMs: number): void =>
    later(stepMs, () => {
      if (isClosed(stream)) return;
      if (rest === '') return void stream.end();
      stream.write(rest[0]);
      drip(stream, rest.slice(1), stepMs);
    });

  const answer = (stream: ServerHttp2Stream, { status, headers, body = '', overMs }: Answer): void => {
    stream.respond({ ':status': status, ...headers }, { endStream: body === '' && overMs === undefined });
    if (overMs !== undefined) return drip(stream, body, overMs / (body.length + 1));
    if (body !== '') stream.end(body);
  };

  const goawayBefore = (stream: ServerHttp2Stream, session: Http2Session, reason: string | undefined): void => {
    goaway(session, { lastId: Math.max(0, (stream.id ?? 0) - 2), ...(reason !== undefined && { reason }) });
    // No stream ID is lower than the first one, so its GOAWAY cannot exclude it.
    if (stream.id === 1) stream.close(constants.NGHTTP2_REFUSED_STREAM);
  };

  return {
    /** A stream that has closed meanwhile gets nothing. */
    send: (stream: ServerHttp2Stream, reply: FakeReply): void => {
      const { session } = stream;
      if (isClosed(stream) || !session) return;
      switch (reply.type) {
        case 'answer':
          return answer(stream, reply);
        case 'silence':
          return;
        case 'reset':
          return stream.close(reply.code);
        case 'break':
          stream.respond({ ':status': 200 });
          return void stream.write('{"', () => stream.destroy(new Error('the answer breaks off')));
        case 'goaway':
          return goawayBefore(stream, session, reply.reason);
        case 'cut':
          return session.destroy();
      }
    },
    stop: (): void => {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
};

const isClosed = (stream: ServerHttp2Stream): boolean => stream.destroyed || stream.closed;
