import { constants, sensitiveHeaders } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, IncomingHttpStatusHeader } from 'node:http2';

/** A POST. Header names are lower case; `path` is `:path` as it goes out. */
export type Http2Request = {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Headers that are computed when the request goes out, which may be long after it was made, and again for a replay: no
   * old credentials go over a new connection after a change.
   */
  readonly credentials?: () => Readonly<Record<string, string>>;
  readonly body: string;
};

/** A whole answer. A body longer than the limit is cut off there: the status counts all the same. */
export type Http2Response = {
  readonly type: 'answer';
  readonly status: number;
  readonly headers: Readonly<IncomingHttpHeaders>;
  readonly body: string;
};

/**
 * How a stream ended. `unprocessed`: the peer says that it did nothing with it. `lost`: any other end without a whole
 * answer.
 */
export type StreamEnd = Http2Response | { readonly type: 'unprocessed' } | { readonly type: 'lost' };

type Options = {
  readonly authority: string;
  readonly neverIndexed: readonly string[];
  readonly maxBodyBytes: number;
  /** Called with the stream's id once it is known to be unanswered; true if a GOAWAY excluded it. */
  readonly excluded: (streamId: number) => boolean;
  /** Called once, as soon as the outcome is known. */
  readonly onEnd: (end: StreamEnd) => void;
  /** Called once, when the peer no longer counts the stream. */
  readonly onClosed: () => void;
};

/** Sends one request on a stream of its own (RFC 9113 §8.1). */
export const exchange = (
  session: ClientHttp2Session,
  { path, headers, credentials, body }: Http2Request,
  { authority, neverIndexed, maxBodyBytes, excluded, onEnd, onClosed }: Options,
): ClientHttp2Stream => {
  const stream = session.request({
    ':method': 'POST',
    ':scheme': 'https',
    ':authority': authority,
    ':path': path,
    ...credentials?.(),
    ...headers,
    [sensitiveHeaders]: neverIndexed as string[],
  });
  let response: Readonly<IncomingHttpHeaders & IncomingHttpStatusHeader> | undefined;
  let received: Buffer = empty;
  let ended = false;

  const end = (value: StreamEnd) => {
    if (ended) return;
    ended = true;
    onEnd(value);
  };
  const answered = () => {
    if (response)
      end({
        type: 'answer',
        status: Number(response[':status']),
        headers: response,
        body: received.toString('utf8', 0, maxBodyBytes),
      });
  };

  stream.on('response', (head) => {
    response = head;
  });
  stream.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    if (received.length <= maxBodyBytes || ended) return;
    answered();
    stream.close(constants.NGHTTP2_CANCEL);
  });
  // A reset ends the readable side too, so only an end without a reset is the end of an answer.
  stream.on('end', () => {
    if (stream.rstCode === constants.NGHTTP2_NO_ERROR) answered();
  });
  stream.on('error', () => {}); // `close` reports it, with its code
  stream.on('close', () => {
    if (!ended)
      end(isUnprocessed(stream, response !== undefined, excluded) ? { type: 'unprocessed' } : { type: 'lost' });
    onClosed();
  });
  stream.end(body);
  return stream;
};

const empty = Buffer.alloc(0);

/** RFC 9113 §8.7: REFUSED_STREAM, and streams above the last id of a GOAWAY, were not processed. */
const isUnprocessed = (stream: ClientHttp2Stream, hasResponse: boolean, excluded: (id: number) => boolean): boolean => {
  if (hasResponse) return false;
  return stream.id === undefined || stream.rstCode === constants.NGHTTP2_REFUSED_STREAM || excluded(stream.id);
};
