import { randomUUID } from 'node:crypto';
import { Kvm, KvWatchInclude } from '@nats-io/kv';
import type { KV, KvWatchEntry } from '@nats-io/kv';
import { JetStreamApiError } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { NatsLink } from './nats-link.ts';

export type LeaseOptions = {
  readonly bucket: string;
  /** What is leased: one key, held by one process at a time. */
  readonly key: string;
  readonly ttlMs: number;
  readonly replicas: number;
  readonly onHeld: () => void;
  /** From now on another process may hold it. */
  readonly onLost: () => void;
  readonly onFault: (error: unknown) => void;
};

export type Lease = {
  isHeld(): boolean;
  /** Keeps the lease if it is held, and does not take it again once it is lost. */
  takeNoMore(): void;
  /**
   * Gives the lease up for a moment, so that a process that waits for it takes it; `true` if that was done. Without
   * NATS no process could take it, so nothing happens; nor if `isWanted` says no by the time it is called.
   */
  pass(isWanted: () => boolean): Promise<boolean>;
  /** Gives the lease up, so that the next holder need not wait until it expires. Takes at most two seconds. */
  release(): Promise<void>;
};

type State = {
  readonly link: NatsLink;
  readonly options: LeaseOptions;
  /** Our value of the key. */
  readonly owner: string;
  store: KV | undefined;
  watcher: { stop(): void } | undefined;
  /** Of the key, while we hold the lease. */
  revision: number | undefined;
  isTaking: boolean;
  /** Until then the lease is left to others, in milliseconds of `performance.now()`. */
  restsUntil: number;
  /** The last of the rounds that take or renew the lease. They run one after the other. */
  round: Promise<void>;
  isRoundQueued: boolean;
  isPassing: boolean;
};

/** How long a process that passed the lease on leaves it alone, milliseconds: a watch takes it within a few. */
const passMs = 1_000;
/** How long a release may take, milliseconds. If NATS hangs, it never replies, and the lease expires instead. */
const releaseMs = 2_000;

/**
 * Holds one key of a NATS key-value bucket whenever it is free. The holder renews it three times within its time to live.
 * A released key is taken at once, the key of a dead holder after `ttlMs`. While NATS is down no process can
 * take the key, so its holder carries on: the lease is lost only when NATS says so.
 */
export const openLease = (link: NatsLink, options: LeaseOptions): Lease => {
  const state: State = {
    link,
    options,
    owner: randomUUID(),
    store: undefined,
    watcher: undefined,
    revision: undefined,
    isTaking: true,
    restsUntil: 0,
    round: Promise.resolve(),
    isRoundQueued: false,
    isPassing: false,
  };
  const timer = setInterval(() => queueRound(state), options.ttlMs / 3);
  timer.unref();
  link.onReady(() => queueRound(state));
  link.onLost(() => unbind(state));

  return {
    isHeld: () => state.revision !== undefined,
    takeNoMore: () => {
      state.isTaking = false;
    },
    pass: async (isWanted) => {
      if (state.isPassing) return false;
      state.isPassing = true;
      const passed = state.round.then(() => pass(state, isWanted));
      state.round = passed.then(() => undefined);
      const wasPassed = await passed;
      state.isPassing = false;
      return wasPassed;
    },
    release: async () => {
      state.isTaking = false;
      clearInterval(timer);
      const released = state.round.then(() => giveUp(state));
      await Promise.race([released, new Promise((resolve) => setTimeout(resolve, releaseMs).unref())]);
      unbind(state);
    },
  };
};

/** At most one round waits for its turn: with a NATS that hangs, each takes seconds. */
const queueRound = (state: State): void => {
  if (state.isRoundQueued) return;
  state.isRoundQueued = true;
  state.round = state.round.then(() => {
    state.isRoundQueued = false;
    return takeOrRenew(state);
  });
};

const takeOrRenew = async (state: State): Promise<void> => {
  const { link, options, revision } = state;
  const nats = link.current();
  const isResting = !state.isTaking || performance.now() < state.restsUntil;
  if (!nats || (revision === undefined && isResting)) return;
  try {
    const store = await bind(state, nats);
    const written = await write(state, store).catch((error: unknown) => {
      if (isTaken(error)) return undefined;
      throw error;
    });
    if (written === undefined) await look(state, store);
    else hold(state, written);
  } catch (error) {
    // It is not known who holds the lease: nothing changes until the next round.
    if (!isTaken(error)) options.onFault(error);
  }
};

const bind = async (state: State, nats: NatsConnection): Promise<KV> => {
  if (state.store) return state.store;
  const { bucket, ttlMs, replicas, onFault } = state.options;
  const store = await new Kvm(nats).create(bucket, { ttl: ttlMs, history: 1, replicas });
  state.store = store;
  await watch(state, store).catch(onFault);
  return store;
};

/** Queues a round as soon as the key is deleted. Without a watch, or when the key just expires, the next round finds out. */
const watch = async (state: State, store: KV): Promise<void> => {
  const { key, onFault } = state.options;
  const entries = await store.watch({ key, include: KvWatchInclude.UpdatesOnly });
  if (store !== state.store) return entries.stop();
  state.watcher = entries;
  void follow(state, entries).catch(onFault);
};

const follow = async (state: State, entries: AsyncIterable<KvWatchEntry>): Promise<void> => {
  for await (const { operation } of entries) if (operation !== 'PUT') queueRound(state);
};

const unbind = (state: State): void => {
  state.store = undefined;
  state.watcher?.stop();
  state.watcher = undefined;
};

/** @returns the new revision of the key */
const write = ({ options: { key }, owner, revision }: State, store: KV): Promise<number> =>
  revision === undefined ? store.create(key, owner) : store.update(key, owner, revision);

/** JetStream API error 10071, wrong last sequence: another process holds the key, or has just taken it. */
const wrongLastSequence = 10_071;

const isTaken = (error: unknown): boolean => error instanceof JetStreamApiError && error.code === wrongLastSequence;

/** The key was written by somebody, or has expired. The writer may have been us, in a renewal whose reply was lost. */
const look = async (state: State, store: KV): Promise<void> => {
  const { key, onLost } = state.options;
  const entry = await store.get(key);
  const isFree = !entry || entry.operation !== 'PUT';
  if (isFree && state.isTaking) hold(state, await store.create(key, state.owner));
  else if (!isFree && entry.string() === state.owner) hold(state, entry.revision);
  else if (state.revision !== undefined) {
    state.revision = undefined;
    onLost();
  }
};

const hold = (state: State, revision: number): void => {
  const isNew = state.revision === undefined;
  state.revision = revision;
  if (isNew) state.options.onHeld();
};

/** The lease is ours until NATS confirms that it was given up. */
const pass = async (state: State, isWanted: () => boolean): Promise<boolean> => {
  const { link, options, store, revision } = state;
  if (revision === undefined || !store || !state.isTaking || !link.current() || !isWanted()) return false;
  try {
    await store.delete(options.key, { previousSeq: revision });
  } catch (error) {
    options.onFault(error);
    return false;
  }
  state.restsUntil = performance.now() + passMs;
  state.revision = undefined;
  options.onLost();
  return true;
};

const giveUp = async (state: State): Promise<void> => {
  const { link, options, store, revision } = state;
  state.revision = undefined;
  if (revision === undefined || !link.current()) return;
  await store?.delete(options.key, { previousSeq: revision }).catch(options.onFault);
};
