import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { streams } from '@pushmesh/contracts';
import type { Stream } from '@pushmesh/contracts';
import { startNats } from '@pushmesh/servers';
import { openReader } from './index.ts';
import type { LookBackOptions } from './look-back.ts';
import { ensureStreams } from './streams.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'pushmesh-look-back-'));
const prefix = 'looked-at';
let server: Awaited<ReturnType<typeof startNats>>;
let nats: NatsConnection;
beforeAll(async () => {
  server = await startNats({ dataDir, prefer: 'containers' });
  nats = await connect({ servers: server.url });
  const manager = await jetstreamManager(nats);
  await ensureStreams(manager, { prefix, replicas: 1, maxBytes: 10_485_760, maxMessages: 10_000 });
  for (const subject of ['push.result.delivered', 'push.delivery.fcm.prod', 'push.event.unverified'])
    await Promise.all(
      Array.from({ length: 1_000 }, (_, index) => jetstream(nats).publish(`${prefix}.${subject}`, String(index + 1))),
    );
  // A work queue with holes: one early message, and some late ones.
  for (let seq = 1; seq <= 990; seq += 1)
    if (seq !== 3) await manager.streams.deleteMessage('LOOKED_AT_PUSH_DELIVERIES', seq, false);
});
afterAll(async () => {
  await nats.close();
  await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const lookBack = async (stream: Stream, options: Partial<LookBackOptions> = {}, place = { prefix }) => {
  const reader = await openReader({ url: server.url, ...place });
  if ('why' in reader) throw new Error(reader.why);
  const seen: number[] = [];
  const looked = await reader.lookBack(stream, {
    withinMs: 30_000,
    onMessage: (data, seq) => void seen.push(seq, Number(Buffer.from(data).toString())),
    ...options,
  });
  await reader.close();
  return {
    looked,
    seqs: seen.filter((_, index) => index % 2 === 0),
    values: seen.filter((_, index) => index % 2 === 1),
  };
};
const upTo = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, index) => from + index);
const ascending = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b);

describe('look back', () => {
  it.each([
    ['a stream, the newest block first', streams.results, upTo(1_000)],
    ['a work queue with holes', streams.deliveries, [3, ...upTo(1_000, 991)]],
    ['an empty stream', streams.parked, []],
  ])('reads all of it once: %s', async (_what, stream, all) => {
    const { looked, seqs, values } = await lookBack(stream, { blockSize: 300 });
    expect(ascending(seqs)).toEqual(all);
    expect(values).toEqual(seqs);
    if (all.length > 0) expect(seqs[0]).toBeGreaterThan(500);
    expect(looked).toMatchObject({ type: 'read', read: all.length, of: all.length, whole: true });
  });

  it.each([streams.results, streams.events])('reads newer blocks before older ones: $name', async (stream) => {
    const { seqs } = await lookBack(stream, { blockSize: 100 });
    const blocks = seqs.map((seq) => Math.ceil(seq / 100));
    expect(blocks).toEqual(blocks.toSorted((a, b) => b - a));
  });

  it('reads no large range in one go behind a hole', async () => {
    const manager = await jetstreamManager(nats);
    for (const seq of upTo(1_000, 801)) await manager.streams.deleteMessage('LOOKED_AT_PUSH_EVENTS', seq, false);
    const { seqs, looked } = await lookBack(streams.events, { blockSize: 50 });
    expect(ascending(seqs.slice(0, 50))).toEqual(upTo(800, 751));
    expect(looked).toMatchObject({ read: 800, of: 800, whole: true });
  });

  it('misses no message that moves to the end meanwhile', async () => {
    const manager = await jetstreamManager(nats);
    const move = async (seq: number, value: string): Promise<number> => {
      const stored = await jetstream(nats).publish(`${prefix}.push.event.unverified`, value);
      await manager.streams.deleteMessage('LOOKED_AT_PUSH_EVENTS', seq, false);
      return stored.seq;
    };
    let isReading = true;
    const moving = (async () => {
      for (let seq = 1; isReading;) seq = await move(seq, 'moves');
    })();
    try {
      for (let round = 0; round < 20; round += 1) {
        let isSeen = false;
        const { looked } = await lookBack(streams.events, {
          onMessage: (data) => (isSeen ||= Buffer.from(data).toString() === 'moves'),
        });
        expect(looked).toMatchObject({ type: 'read', whole: isSeen });
      }
    } finally {
      isReading = false;
      await moving;
    }
  });

  it('ends on a stream through which messages pass without pause', async () => {
    const manager = await jetstreamManager(nats);
    let isReading = true;
    const pass = async (): Promise<void> => {
      while (isReading) {
        const { seq } = await jetstream(nats).publish(`${prefix}.push.event.unverified`, 'passes');
        await manager.streams.deleteMessage('LOOKED_AT_PUSH_EVENTS', seq, false);
      }
    };
    const passing = Promise.all(Array.from({ length: 32 }, pass));
    try {
      expect((await lookBack(streams.events, { withinMs: 20_000 })).looked).toMatchObject({ whole: true });
    } finally {
      isReading = false;
      await passing;
    }
  });

  it.each([streams.results, streams.deliveries])('ends when its time is up, and says so: $name', async (stream) => {
    const { looked } = await lookBack(stream, { withinMs: 0 });
    expect(looked).toMatchObject({ type: 'read', read: 0, since: undefined, whole: false });
  });

  it('says since when it has read everything, even if it has not read it all', async () => {
    const read: number[] = [];
    const { looked } = await lookBack(streams.results, {
      blockSize: 100,
      onMessage: (_data, seq) => {
        read.push(seq);
        // Time is up once the newest block has been read.
        if (seq === 1_000) vi.spyOn(performance, 'now').mockReturnValue(Number.MAX_VALUE);
      },
    });
    vi.restoreAllMocks();
    expect(read).toEqual(upTo(1_000, 901));
    expect(looked).toMatchObject({ type: 'read', read: 100, since: expect.any(Number) as number, whole: false });
  });

  it('leaves no consumer behind, and takes no message away', async () => {
    const manager = await jetstreamManager(nats);
    const place = { prefix: 'emptied' };
    await ensureStreams(manager, { ...place, replicas: 1, maxBytes: 10_485_760, maxMessages: 10_000 });
    for (const value of upTo(60)) await jetstream(nats).publish('emptied.push.parked.fcm', String(value));
    for (const seq of upTo(60, 21)) await manager.streams.deleteMessage('EMPTIED_PUSH_PARKED', seq, false);
    for (const [stream, name, at] of [
      [streams.results, 'LOOKED_AT_PUSH_RESULTS', { prefix }],
      [streams.deliveries, 'LOOKED_AT_PUSH_DELIVERIES', { prefix }],
      // Its newest blocks are empty.
      [streams.parked, 'EMPTIED_PUSH_PARKED', place],
    ] as const) {
      const before = (await manager.streams.info(name)).state;
      const { looked } = await lookBack(stream, { blockSize: 10 }, at);
      expect(looked).toMatchObject({ read: before.messages, whole: true });
      expect((await manager.streams.info(name)).state).toEqual(before);
    }
  });

  it('says what is missing', async () => {
    expect((await lookBack(streams.results, {}, { prefix: 'other' })).looked).toEqual({
      stream: 'OTHER_PUSH_RESULTS',
      type: 'missing',
    });
    const nowhere = await openReader({ url: 'nats://127.0.0.1:1', prefix });
    expect(nowhere).toMatchObject({
      why: expect.stringContaining('cannot connect to NATS at nats://127.0.0.1:1') as string,
    });
  });
});
