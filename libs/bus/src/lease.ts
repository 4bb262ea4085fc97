import { Kvm } from '@nats-io/kv';
import type { KV } from '@nats-io/kv';
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
  /** Gives the lease up, so that the next one need not wait for it to run out. */
  release(): Promise<void>;
};

/** JetStream API 10071, wrong last sequence: the key is held, or was taken, by somebody else. */
const wrongLastSequence = 10_071;

/**
 * Holds one key of a NATS key-value bucket whenever it is free. A holder renews it three times within its life; a holder
 * that dies loses it after `ttlMs`. While NATS is away nobody can take it, so its holder goes on: it is lost only when
 * NATS says that it is.
 */
export const openLease = (connection: Connection, options: LeaseOptions): Lease => {
  const { bucket, key, ttlMs, replicas, onHeld, onLost, onFault } = options;
  let store: KV | undefined;
  let revision: number | undefined;
  let closing = false;
  let turn: Promise<void> = Promise.resolve();

  const bind = async (nats: NatsConnection): Promise<void> => {
    // In memory, and not replayed: after NATS lost it everybody takes it anew.
    store = await new Kvm(nats).create(bucket, { ttl: ttlMs, history: 1, replicas });
  };

  const takeOrRenew = async (): Promise<void> => {
    const nats = connection.current();
    if (closing || !nats) return;
    try {
      if (!store) await bind(nats);
      if (!store) return;
      const next = revision === undefined ? await store.create(key, '') : await store.update(key, '', revision);
      const isNew = revision === undefined;
      revision = next;
      if (isNew) onHeld();
    } catch (error) {
      if (!(error instanceof JetStreamApiError) || error.code !== wrongLastSequence) {
        onFault(error);
        return;
      }
      // It ran out while we could not renew it. If nobody took it meanwhile the next turn takes it back.
      if (revision === undefined) return;
      revision = undefined;
      onLost();
    }
  };

  const tick = (): void => {
    turn = turn.then(takeOrRenew);
  };
  const timer = setInterval(tick, ttlMs / 3);
  timer.unref();
  connection.onReady(tick);
  connection.onLost(() => {
    store = undefined;
  });

  return {
    isHeld: () => revision !== undefined,
    release: async () => {
      closing = true;
      clearInterval(timer);
      await turn;
      if (revision !== undefined && connection.current())
        await store?.delete(key, { previousSeq: revision }).catch(onFault);
      revision = undefined;
    },
  };
};
