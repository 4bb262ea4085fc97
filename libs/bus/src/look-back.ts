import { DeliverPolicy, JetStreamApiError, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Stream } from '@pushmesh/contracts';
import { serversOf } from './connection.ts';
import { prefixedStream } from './streams.ts';

export type LookBackOptions = {
  /** Milliseconds after which no more is begun with. */
  readonly withinMs: number;
  readonly onMessage: (data: Uint8Array, seq: number) => void;
  /** Of how many numbers the messages are read before older ones are begun with. Default: those of about 8 MB, at most 25,000. */
  readonly blockSize?: number;
};

/** What was read of a stream, called as it is on this NATS; or why it was not. */
export type LookedBack = { readonly stream: string } & (
  | {
      readonly type: 'read';
      readonly read: number;
      /** How many messages there were, with those that were stored meanwhile. */
      readonly of: number;
      /** Every message from then until the reading began was read (ms since 1970); `undefined`: there was none. */
      readonly since: number | undefined;
      /** Every message that stood there at one instant of the reading was read. */
      readonly whole: boolean;
    }
  | { readonly type: 'missing' }
  | { readonly type: 'unreadable'; readonly why: string }
);

/** Reads streams from their end on. Changes nothing there, and takes no message away from anybody. */
export type Reader = {
  lookBack(stream: Stream, options: LookBackOptions): Promise<LookedBack>;
  close(): Promise<void>;
};

type Place = { readonly url: string; readonly creds?: string | undefined; readonly prefix: string };
type Range = { readonly from: number; readonly to: number };
type Take = (data: Uint8Array, seq: number) => void;

const requestTimeoutMs = 5_000;
/** Of a stream in use some are always gone, because they are done. Nobody moves away from so many looks in a row, milliseconds apart. */
const mostLooks = 30;

/** Connects once, without waiting for a NATS that is away. */
export const openReader = async ({ url, creds, prefix }: Place): Promise<Reader | { readonly why: string }> => {
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

const lookBack = async (
  nats: NatsConnection,
  manager: JetStreamManager,
  { retention }: Stream,
  stream: string,
  { withinMs, onMessage, blockSize: givenBlockSize }: LookBackOptions,
): Promise<LookedBack> => {
  const giveUpAt = performance.now() + withinMs;
  let read = 0;
  try {
    let { state } = await manager.streams.info(stream);
    const { messages, last_seq: lastAtStart } = state;
    let last = lastAtStart;
    let from = last + 1;
    const blockSize = givenBlockSize ?? blockSizeOf(state);
    let size = blockSize;
    let looks = 0;
    let whole = false;
    while (!whole && performance.now() < giveUpAt) {
      // A retry stores its message anew at the end, and so takes it away from where it was still to be read.
      const newer = { from: last + 1, to: state.last_seq };
      const readBefore = read;
      if ((await readRange(newer)) > newer.from) break;
      last = newer.to;
      // One of them that was gone before it was read may stand at the end once more.
      const isNoneGone = read - readBefore === newer.to - newer.from + 1;
      const first = Math.max(1, state.first_seq);
      if (from <= first) looks += 1;
      whole = from <= first && (isNoneGone || looks === mostLooks);
      if (from > first) await readOlder(first);
      if (!whole) ({ state } = await manager.streams.info(stream));
    }
    const since = from > lastAtStart ? undefined : (await messageFrom(manager, stream, from))?.time.getTime();
    return { stream, type: 'read', read, of: messages + last - lastAtStart, since, whole };

    // Holes are passed in growing steps. What lies behind them is read block by block as well: a range that is read all at
    // once is pulled into the memory of NATS.
    async function readOlder(first: number): Promise<void> {
      const block = { from: Math.max(first, from - size), to: from - 1 };
      const next = await messageFrom(manager, stream, block.from);
      if (next === null || next.seq > block.to) {
        from = block.from;
        size *= 2;
      } else if (block.to - block.from >= blockSize) size /= 2;
      else from = await readRange(block);
    }
  } catch (error) {
    // 10059: stream not found.
    if (error instanceof JetStreamApiError && error.code === 10059) return { stream, type: 'missing' };
    return { stream, type: 'unreadable', why: (error as Error).message };
  }

  /** Gives back from which number on all were read: a higher one than the first when time was over. */
  async function readRange(range: Range): Promise<number> {
    if (range.from > range.to) return range.from;
    return retention === 'workqueue'
      ? readByProbes(manager, stream, range, giveUpAt, take)
      : readByConsumer(nats, stream, range, giveUpAt, take);
  }

  function take(data: Uint8Array, seq: number): void {
    read += 1;
    onMessage(data, seq);
  }
};

/** A message may hold one end or many. */
const blockSizeOf = ({ bytes, messages }: { readonly bytes: number; readonly messages: number }): number =>
  Math.min(25_000, Math.max(100, Math.floor((8_388_608 * messages) / Math.max(1, bytes))));

/** The first message that has this number or a higher one. */
const messageFrom = (manager: JetStreamManager, stream: string, seq: number) =>
  // `next_by_subj` is in the server’s API since 2.9; the client’s type knows it for direct gets only.
  manager.streams.getMessage(stream, { seq, next_by_subj: '>' } as { seq: number });

const probesAtATime = 64;

/**
 * A work queue lets nobody but its own consumers consume, and may hold few messages far apart: so each range is asked for
 * the first message of its upper half, which leaves a range on either side.
 */
const readByProbes = async (
  manager: JetStreamManager,
  stream: string,
  all: Range,
  giveUpAt: number,
  take: Take,
): Promise<number> => {
  const probe = async ({ from, to }: Range): Promise<Range[]> => {
    const middle = Math.ceil((from + to) / 2);
    const found = await messageFrom(manager, stream, middle);
    const isInside = found !== null && found.seq <= to;
    if (isInside) take(found.data, found.seq);
    const halves = [{ from, to: middle - 1 }, ...(isInside ? [{ from: found.seq + 1, to }] : [])];
    return halves.filter((half) => half.from <= half.to);
  };
  // In ascending order, so that the newest are taken off the end.
  const left: Range[] = [all];
  while (left.length > 0 && performance.now() < giveUpAt) {
    const halves = await Promise.all(left.splice(-probesAtATime).map(probe));
    left.push(...halves.flat());
  }
  return (left.at(-1)?.to ?? all.from - 1) + 1;
};

/** By an ordered consumer. */
const readByConsumer = async (
  nats: NatsConnection,
  stream: string,
  { from, to }: Range,
  giveUpAt: number,
  take: Take,
): Promise<number> => {
  const leftMs = giveUpAt - performance.now();
  if (leftMs <= 0) return to + 1;
  const start = { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from };
  const consumer = await jetstream(nats, { timeout: requestTimeoutMs }).consumers.get(stream, start);
  let late: NodeJS.Timeout | undefined;
  try {
    const { num_pending } = await consumer.info();
    // The stream has forgotten them meanwhile.
    if (num_pending === 0) return from;
    const messages = await consumer.consume({ max_messages: 1_000 });
    late = setTimeout(() => messages.stop(), leftMs);
    for await (const { seq, data, info } of messages) {
      if (seq <= to) take(data, seq);
      if (seq >= to || info.pending === 0) return from;
    }
    return to + 1;
  } finally {
    clearTimeout(late);
    await consumer.delete();
  }
};
