import { randomUUID } from 'node:crypto';
import { Kvm, KvWatchInclude } from '@nats-io/kv';
import type { KV, KvWatchEntry } from '@nats-io/kv';
import { JetStreamApiError } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Connection } from './connection.ts';

export type LeaseOptions = {
  readonly bucket: string;
  /** What is leased: one key, held by one process at a time. */
  readonly key: string;
  readonly ttlMs: number;
  readonly replicas: number;
  readonly onHeld: () => void;
  /** Somebody else may hold it from now on. */
  readonly onLost: () => void;
  readonly onFault: (error: unknown) => void;
};

export type Lease = {
  isHeld(): boolean;
  /** Goes on holding it, if it does, and takes it no more once it is lost. */
  takeNoMore(): void;
  /**
   * Gives the lease up for a moment, in which whoever waits for it takes it; true when that was done. Without NATS nobody
   * could take it, so nothing happens; nor when it is not wanted any more by the time its turn comes.
   */
  pass(isWanted: () => boolean): Promise<boolean>;
  /** Gives the lease up, so that the next one need not wait for it to run out. Takes two seconds at the most. */
  release(): Promise<void>;
};

/** Milliseconds that who passes the lease on leaves it alone: a watch takes it within a few. */
const passMs = 1_000;
/** Milliseconds for giving it up. A NATS that hangs answers nothing, and has it run out. */
const releaseMs = 2_000;

/** JetStream API 10071, wrong last sequence: the key is held, or was taken, by somebody else. */
const wrongLastSequence = 10_071;

const isTaken = (error: unknown): boolean => error instanceof JetStreamApiError && error.code === wrongLastSequence;

/**
 * Holds one key of a NATS key-value bucket whenever it is free. A holder renews it three times within its life; what a
 * holder gives up is taken at once, what a dead one held after `ttlMs`. While NATS is away nobody can take it, so its
 * holder goes on: it is lost only when NATS says that it is.
 */
export const openLease = (connection: Connection, options: LeaseOptions): Lease => {
  const { bucket, key, ttlMs, replicas, onHeld, onLost, onFault } = options;
  const owner = randomUUID();
  let store: KV | undefined;
  let changes: { stop(): void } | undefined;
  let revision: number | undefined;
  let taking = true;
  let restsUntil = 0;
  let isTurnWaiting = false;
  let isPassing = false;
  let turn: Promise<void> = Promise.resolve();

  const bind = async (nats: NatsConnection): Promise<KV> => {
    if (store) return store;
    const bound = await new Kvm(nats).create(bucket, { ttl: ttlMs, history: 1, replicas });
    store = bound;
    await watch(bound).catch(onFault);
    return bound;
  };

  /** Takes a turn as soon as the key is deleted. Without it, or when the key just runs out, the next turn finds out. */
  const watch = async (bound: KV): Promise<void> => {
    const entries = await bound.watch({ key, include: KvWatchInclude.UpdatesOnly });
    if (bound !== store) return entries.stop();
    changes = entries;
    void follow(entries).catch(onFault);
  };

  const follow = async (entries: AsyncIterable<KvWatchEntry>): Promise<void> => {
    for await (const { operation } of entries) if (operation !== 'PUT') tick();
  };

  const unbind = (): void => {
    store = undefined;
    changes?.stop();
    changes = undefined;
  };

  const hold = (next: number): void => {
    const isNew = revision === undefined;
    revision = next;
    if (isNew) onHeld();
  };

  const takeOrRenew = async (): Promise<void> => {
    const nats = connection.current();
    if (!nats || (revision === undefined && (!taking || performance.now() < restsUntil))) return;
    try {
      const bound = await bind(nats);
      const written = await write(bound, revision).catch((error: unknown) => {
        if (isTaken(error)) return undefined;
        throw error;
      });
      if (written === undefined) await look(bound);
      else hold(written);
    } catch (error) {
      // Not known who holds it: nothing changes until the next turn.
      if (!isTaken(error)) onFault(error);
    }
  };

  const write = (bound: KV, renews: number | undefined): Promise<number> =>
    renews === undefined ? bound.create(key, owner) : bound.update(key, owner, renews);

  /** Somebody wrote the key, or it ran out. It may have been us: a renewal whose answer was lost. */
  const look = async (bound: KV): Promise<void> => {
    const entry = await bound.get(key);
    const isFree = !entry || entry.operation !== 'PUT';
    if (isFree && taking) hold(await bound.create(key, owner));
    else if (!isFree && entry.string() === owner) hold(entry.revision);
    else if (revision !== undefined) {
      revision = undefined;
      onLost();
    }
  };

  /** One turn after the other, and never more than one that waits: with a NATS that hangs each takes seconds. */
  const tick = (): void => {
    if (isTurnWaiting) return;
    isTurnWaiting = true;
    turn = turn.then(() => {
      isTurnWaiting = false;
      return takeOrRenew();
    });
  };

  /** Only when NATS has it given up: until then we are the one who holds it. */
  const pass = async (isWanted: () => boolean): Promise<boolean> => {
    if (revision === undefined || !store || !taking || !connection.current() || !isWanted()) return false;
    try {
      await store.delete(key, { previousSeq: revision });
    } catch (error) {
      onFault(error);
      return false;
    }
    restsUntil = performance.now() + passMs;
    revision = undefined;
    onLost();
    return true;
  };

  const giveUp = async (): Promise<void> => {
    const [held, bound] = [revision, store];
    revision = undefined;
    if (held !== undefined && connection.current()) await bound?.delete(key, { previousSeq: held }).catch(onFault);
  };
  const timer = setInterval(tick, ttlMs / 3);
  timer.unref();
  connection.onReady(tick);
  connection.onLost(unbind);

  return {
    isHeld: () => revision !== undefined,
    takeNoMore: () => {
      taking = false;
    },
    pass: async (isWanted) => {
      if (isPassing) return false;
      isPassing = true;
      const passed = turn.then(() => pass(isWanted));
      turn = passed.then(() => undefined);
      const wasPassed = await passed;
      isPassing = false;
      return wasPassed;
    },
    release: async () => {
      taking = false;
      clearInterval(timer);
      const released = turn.then(giveUp);
      await Promise.race([released, new Promise((resolve) => setTimeout(resolve, releaseMs).unref())]);
      unbind();
    },
  };
};
