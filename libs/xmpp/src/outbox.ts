export type OutboxOptions = {
  readonly write: (data: Buffer) => Promise<void>;
  /** Bytes that were written but not yet accepted by the operating system. */
  readonly unsentBytes: () => number;
  /** Bytes above which the outbox is congested, until it has shrunk to half of them. */
  readonly highWaterBytes: number;
  /** The most bytes ever held. */
  readonly maxQueuedBytes: number;
  /** How long it may stay congested, milliseconds. */
  readonly stallMs: number;
  readonly onCongestionChange: () => void;
  /** The peer does not read: `maxQueuedBytes` or `stallMs` was exceeded. */
  readonly onStalled: () => void;
};

export type Outbox = {
  send(text: string): 'sent' | 'congested' | 'offline';
  isCongested(): boolean;
  /** Accepts nothing more; returns what was not yet written. */
  close(): string;
};

/** A batch of at least this many characters is written at once. */
const batchLength = 64 * 1024;

/** Batches what is sent in one turn of the event loop into one write, and watches whether the peer reads it. */
export const openOutbox = (options: OutboxOptions): Outbox => {
  let batch = '';
  let flushing: NodeJS.Immediate | undefined;
  let stall: NodeJS.Timeout | undefined;
  let isClosed = false;

  const flush = () => {
    clearImmediate(flushing);
    flushing = undefined;
    const data = Buffer.from(batch);
    batch = '';
    // A failed write closes the socket, and the connection reports that.
    options.write(data).then(relieve, () => {});
  };

  const congest = () => {
    if (stall) return;
    stall = setTimeout(options.onStalled, options.stallMs);
    options.onCongestionChange();
  };

  const relieve = () => {
    if (!stall || batch.length + options.unsentBytes() > options.highWaterBytes / 2) return;
    clearTimeout(stall);
    stall = undefined;
    if (!isClosed) options.onCongestionChange();
  };

  return {
    send(text) {
      if (isClosed) return 'offline';
      batch += text;
      if (batch.length >= batchLength) flush();
      else flushing ??= setImmediate(flush);
      const held = batch.length + options.unsentBytes();
      if (held > options.maxQueuedBytes) {
        options.onStalled();
        return 'offline';
      }
      if (held > options.highWaterBytes) congest();
      return stall ? 'congested' : 'sent';
    },

    isCongested: () => stall !== undefined,

    close() {
      isClosed = true;
      clearImmediate(flushing);
      clearTimeout(stall);
      const rest = batch;
      batch = '';
      return rest;
    },
  };
};
