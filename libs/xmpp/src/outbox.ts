export type OutboxOptions = {
  readonly write: (data: Buffer) => Promise<void>;
  /** Bytes that were written and that the system has not taken yet. */
  readonly unsentBytes: () => number;
  /** From here on the outbox is congested, until it has shrunk to half of it. */
  readonly highWaterBytes: number;
  /** The most that is ever held. */
  readonly maxQueuedBytes: number;
  /** How long it may stay congested, milliseconds. */
  readonly stallMs: number;
  readonly onCongestionChange: () => void;
  /** The peer does not read: either bound was exceeded. */
  readonly onStalled: () => void;
};

export type Outbox = {
  send(text: string): 'sent' | 'congested' | 'offline';
  isCongested(): boolean;
  /** Takes nothing in any more; returns what was not written yet. */
  close(): string;
};

/** Longer than this is written at once. */
const batchLength = 64 * 1024;

/** Gathers what is sent in one turn of the event loop into one write, and watches whether the peer takes it. */
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
    // A failed write closes the socket, and that is reported there.
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
