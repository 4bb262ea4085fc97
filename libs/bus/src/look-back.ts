import { DeliverPolicy, JetStreamApiError, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { prefixedStream } from '@pushmesh/contracts';
import type { Stream } from '@pushmesh/contracts';
import { serversOf } from './client-options.ts';

export type LookBackOptions = {
  /** Milliseconds after which no further read is started. */
  readonly withinMs: number;
  readonly onMessage: (data: Uint8Array, seq: number) => void;
  /**
   * How many sequence numbers to read before older ones. Default: as many as hold about 8 MB of messages, at most 25,000.
   */
  readonly blockSize?: number;
};

/** What was read of a stream, with its name on this NATS; or why it was not read. */
export type LookedBack = { readonly stream: string } & (
  | {
      readonly type: 'read';
      readonly read: number;
      /** How many messages there were, including those that were stored meanwhile. */
      readonly of: number;
      /** Every message stored between then and the start was read (ms since 1970); `undefined`: there was none. */
      readonly since: number | undefined;
      /** Every message that the stream held at one instant of the reading was read. */
      readonly whole: boolean;
    }
  | { readonly type: 'missing' }
  | { readonly type: 'unreadable'; readonly why: string }
);

/** Reads streams from their end backwards. Changes nothing in them, and takes no message away from a consumer. */
export type Reader = {
  lookBack(stream: Stream, options: LookBackOptions): Promise<LookedBack>;
  close(): Promise<void>;
};

type Server = { readonly url: string; readonly creds?: string | undefined; readonly prefix: string };

const requestTimeoutMs = 5_000;

/** Connects once, without waiting for NATS to come up. */
export const openReader = async ({ url, creds, prefix }: Server): Promise<Reader | { readonly why: string }> => {
  try {
    const nats = await connect({
      ...serversOf(url, creds),
      name: 'reader',
      reconnect: false,
      timeout: requestTimeoutMs,
    });
    const manager = await jetstreamManager(nats, { timeout: requestTimeoutMs, checkAPI: false });
    return {
      lookBack: (stream, options) => lookBack(nats, manager, stream, prefixedStream(prefix, stream.name), options),
      close: () => nats.close(),
    };
  } catch (error) {
    return { why: `cannot connect to NATS at ${url}: ${(error as Error).message}` };
  }
};

/** Sequence numbers, both ends included. */
type Range = { readonly from: number; readonly to: number };

/** One look back, while it goes on. */
type Reading = {
  readonly nats: NatsConnection;
  readonly manager: JetStreamManager;
  readonly retention: Stream['retention'];
  readonly stream: string;
  /** In milliseconds of `performance.now()`. */
  readonly giveUpAt: number;
  readonly onMessage: LookBackOptions['onMessage'];
  /** How many messages were read. */
  read: number;
};

/** Everything from `from` to `last` has been read. */
type Progress = {
  from: number;
  last: number;
  readonly blockSize: number;
  /** Of the next older block: grows over holes. */
  size: number;
};

const lookBack = async (
  nats: NatsConnection,
  manager: JetStreamManager,
  { retention }: Stream,
  stream: string,
  { withinMs, onMessage, blockSize }: LookBackOptions,
): Promise<LookedBack> => {
  const giveUpAt = performance.now() + withinMs;
  try {
    return await readBack({ nats, manager, retention, stream, giveUpAt, onMessage, read: 0 }, blockSize);
  } catch (error) {
    // 10059: stream not found.
    if (error instanceof JetStreamApiError && error.code === 10059) return { stream, type: 'missing' };
    return { stream, type: 'unreadable', why: (error as Error).message };
  }
};

/**
 * In a stream that is in use some messages are always gone, because they are done. No message evades this many looks in a
 * row, milliseconds apart.
 */
const maxLooks = 30;

const readBack = async (reading: Reading, givenBlockSize: number | undefined): Promise<LookedBack> => {
  const { manager, stream, giveUpAt } = reading;
  let { state } = await manager.streams.info(stream);
  const { messages, last_seq: lastAtStart } = state;
  const blockSize = givenBlockSize ?? blockSizeOf(state);
  const progress: Progress = { from: lastAtStart + 1, last: lastAtStart, blockSize, size: blockSize };
  let looks = 0;
  let whole = false;
  while (!whole && performance.now() < giveUpAt) {
    // A retry stores its message anew at the end, and so removes it from where it was still to be read.
    const newer = { from: progress.last + 1, to: state.last_seq };
    const readBefore = reading.read;
    if ((await readRange(reading, newer)) > newer.from) break;
    progress.last = newer.to;
    // One that was gone before it could be read may have moved to the end again.
    const isNoneGone = reading.read - readBefore === newer.to - newer.from + 1;
    const first = Math.max(1, state.first_seq);
    const isAtStart = progress.from <= first;
    if (isAtStart) looks += 1;
    whole = isAtStart && (isNoneGone || looks === maxLooks);
    if (!isAtStart) await readOlder(reading, progress, first);
    if (!whole) ({ state } = await manager.streams.info(stream));
  }
  const { from, last } = progress;
  const since = from > lastAtStart ? undefined : (await messageFrom(manager, stream, from))?.time.getTime();
  return { stream, type: 'read', read: reading.read, of: messages + last - lastAtStart, since, whole };
};

/** About 8 MB of messages: one message may hold a single end or many. */
const blockSizeOf = ({ bytes, messages }: { readonly bytes: number; readonly messages: number }): number =>
  Math.min(25_000, Math.max(100, Math.floor((8_388_608 * messages) / Math.max(1, bytes))));

/**
 * Reads the next older block, down to `first`. Holes are skipped in growing steps. What lies behind a hole is read block
 * by block as well, because NATS loads a range that is read in one go into memory.
 */
const readOlder = async (reading: Reading, progress: Progress, first: number): Promise<void> => {
  const { from, size, blockSize } = progress;
  const block = { from: Math.max(first, from - size), to: from - 1 };
  const next = await messageFrom(reading.manager, reading.stream, block.from);
  if (next === null || next.seq > block.to) {
    progress.from = block.from;
    progress.size *= 2;
  } else if (block.to - block.from >= blockSize) progress.size /= 2;
  else progress.from = await readRange(reading, block);
};

/** @returns the number from which on everything was read: higher than `from` if time ran out */
const readRange = async (reading: Reading, range: Range): Promise<number> => {
  if (range.from > range.to) return range.from;
  return reading.retention === 'workqueue' ? readByProbes(reading, range) : readByConsumer(reading, range);
};

/** The first message with this sequence number or a higher one. */
const messageFrom = (manager: JetStreamManager, stream: string, seq: number) =>
  // The API of the server has had `next_by_subj` since 2.9; the type of the client has it for direct gets only.
  manager.streams.getMessage(stream, { seq, next_by_subj: '>' } as { seq: number });

const probesAtATime = 64;

/**
 * A work queue can be consumed only by its own consumers, and may hold few messages far apart. So each range is probed
 * for the first message of its upper half, which leaves a range on either side.
 */
const readByProbes = async (reading: Reading, range: Range): Promise<number> => {
  // In ascending order, so that the newest are taken from the end.
  const left: Range[] = [range];
  while (left.length > 0 && performance.now() < reading.giveUpAt) {
    const probed = left.splice(-probesAtATime).map((each) => probe(reading, each));
    left.push(...(await Promise.all(probed)).flat());
  }
  return (left.at(-1)?.to ?? range.from - 1) + 1;
};

/** @returns what is left of the range to probe, in ascending order */
const probe = async (reading: Reading, { from, to }: Range): Promise<Range[]> => {
  const middle = Math.ceil((from + to) / 2);
  const found = await messageFrom(reading.manager, reading.stream, middle);
  const isInside = found !== null && found.seq <= to;
  if (isInside) take(reading, found.data, found.seq);
  const halves = [{ from, to: middle - 1 }, ...(isInside ? [{ from: found.seq + 1, to }] : [])];
  return halves.filter((half) => half.from <= half.to);
};

const readByConsumer = async (reading: Reading, { from, to }: Range): Promise<number> => {
  const { nats, stream, giveUpAt } = reading;
  const leftMs = giveUpAt - performance.now();
  if (leftMs <= 0) return to + 1;
  const start = { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from };
  const consumer = await jetstream(nats, { timeout: requestTimeoutMs }).consumers.get(stream, start);
  let late: NodeJS.Timeout | undefined;
  try {
    const { num_pending } = await consumer.info();
    // The stream has dropped them meanwhile.
    if (num_pending === 0) return from;
    const messages = await consumer.consume({ max_messages: 1_000 });
    late = setTimeout(() => messages.stop(), leftMs);
    for await (const { seq, data, info } of messages) {
      if (seq <= to) take(reading, data, seq);
      if (seq >= to || info.pending === 0) return from;
    }
    return to + 1;
  } finally {
    clearTimeout(late);
    await consumer.delete();
  }
};

const take = (reading: Reading, data: Uint8Array, seq: number): void => {
  reading.read += 1;
  reading.onMessage(data, seq);
};
