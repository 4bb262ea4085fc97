import { DeliverPolicy, JetStreamApiError, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Stream } from '@pushmesh/contracts';
import { serversOf } from './connection.ts';
import { prefixedStream } from './streams.ts';

export type LookBackOptions = {
  /** Milliseconds after which no older message is read. */
  readonly withinMs: number;
  readonly onMessage: (data: Uint8Array, seq: number) => void;
  /** How many messages are read before older ones are begun with. Default: 25,000. */
  readonly blockSize?: number;
};

/** What was read of a stream, called as it is on this NATS; or why it was not. */
export type LookedBack = { readonly stream: string } & (
  | {
      readonly type: 'read';
      readonly read: number;
      /** How many messages there were. */
      readonly of: number;
      /** Every message that was stored since then was read (ms since 1970); `undefined`: there was none. */
      readonly since: number | undefined;
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

const requestTimeoutMs = 5_000;

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
  { withinMs, onMessage, blockSize = 25_000 }: LookBackOptions,
): Promise<LookedBack> => {
  const giveUpAt = performance.now() + withinMs;
  let read = 0;
  const take = (data: Uint8Array, seq: number): void => {
    read += 1;
    onMessage(data, seq);
  };
  try {
    const { state } = await manager.streams.info(stream);
    const { messages: of, first_seq: first, last_seq: last } = state;
    if (of === 0) return { stream, type: 'read', read, of, since: undefined, whole: true };
    const all = { from: first, to: last };
    const from =
      retention === 'workqueue'
        ? await readByProbes(manager, stream, all, giveUpAt, take)
        : await readByBlocks(nats, stream, all, giveUpAt, blockSize, take);
    const since = from > last ? undefined : (await messageFrom(manager, stream, from))?.time.getTime();
    return { stream, type: 'read', read, of, since, whole: from === first };
  } catch (error) {
    // 10059: stream not found.
    if (error instanceof JetStreamApiError && error.code === 10059) return { stream, type: 'missing' };
    return { stream, type: 'unreadable', why: (error as Error).message };
  }
};

/** The first message that has this number or a higher one. */
const messageFrom = (manager: JetStreamManager, stream: string, seq: number) =>
  // `next_by_subj` is in the server’s API since 2.9; the client’s type knows it for direct gets only.
  manager.streams.getMessage(stream, { seq, next_by_subj: '>' } as { seq: number });

const probesAtATime = 64;

/**
 * A work queue lets nobody but its own consumers consume, and may hold few messages far apart: so each range is asked for
 * the first message of its upper half, which leaves a range on either side. Gives back from which number on all were read.
 */
const readByProbes = async (
  manager: JetStreamManager,
  stream: string,
  all: Range,
  giveUpAt: number,
  take: (data: Uint8Array, seq: number) => void,
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

/** The newest block first, each by an ordered consumer. Gives back from which number on all were read. */
const readByBlocks = async (
  nats: NatsConnection,
  stream: string,
  { from: first, to: last }: Range,
  giveUpAt: number,
  blockSize: number,
  take: (data: Uint8Array, seq: number) => void,
): Promise<number> => {
  let from = last + 1;
  while (from > first) {
    const block = { from: Math.max(first, from - blockSize), to: from - 1 };
    if (!(await readBlock(nats, stream, block, giveUpAt, take))) break;
    from = block.from;
  }
  return from;
};

/** Whether all of it was read in time. */
const readBlock = async (
  nats: NatsConnection,
  stream: string,
  { from, to }: Range,
  giveUpAt: number,
  take: (data: Uint8Array, seq: number) => void,
): Promise<boolean> => {
  const leftMs = giveUpAt - performance.now();
  if (leftMs <= 0) return false;
  const start = { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from };
  const consumer = await jetstream(nats, { timeout: requestTimeoutMs }).consumers.get(stream, start);
  const { num_pending } = await consumer.info();
  // The stream has forgotten them meanwhile.
  if (num_pending === 0) return true;
  const messages = await consumer.consume({ max_messages: 5_000 });
  const late = setTimeout(() => messages.stop(), leftMs);
  try {
    for await (const { seq, data, info } of messages) {
      if (seq <= to) take(data, seq);
      if (seq >= to || info.pending === 0) return true;
    }
    return false;
  } finally {
    clearTimeout(late);
    await consumer.delete();
  }
};
