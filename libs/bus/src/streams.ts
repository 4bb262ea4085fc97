import { AckPolicy, DiscardPolicy, JetStreamApiError, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import type { JetStreamManager } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { allDurables, prefixedStream, prefixedSubject, streams } from '@pushmesh/contracts';
import type { Durable, Stream } from '@pushmesh/contracts';

export type StreamSettings = {
  /** Precedes every subject and stream name; '' for none. */
  readonly prefix: string;
  readonly replicas: number;
  /** For streams that discard old messages when they are full. */
  readonly maxBytes: number;
  /** For streams that refuse new messages when they are full. */
  readonly maxMessages: number;
};

/**
 * Creates every stream and durable consumer of the contracts, and updates those that exist to the configured limits.
 * Idempotent, and safe to run from every replica at once.
 *
 * @throws {Error} the client's, or `JetStreamApiError`
 */
export const ensureStreams = async (manager: JetStreamManager, settings: StreamSettings): Promise<void> => {
  for (const stream of Object.values(streams)) await ensureStream(manager, stream, settings);
  for (const durable of allDurables) await ensureDurable(manager, durable, settings);
};

const ensureStream = async (manager: JetStreamManager, stream: Stream, settings: StreamSettings): Promise<void> => {
  const name = prefixedStream(settings.prefix, stream.name);
  const limits = {
    max_age: nanos(stream.maxAgeMs),
    // When a publish takes a stream over its bytes, nats-server 2.9 discards old messages even if the stream should refuse
    // new ones. So such a stream is bounded by its number of messages, which the server counts exactly.
    max_bytes: stream.discard === 'old' ? settings.maxBytes : -1,
    max_msgs: stream.discard === 'new' ? settings.maxMessages : -1,
    num_replicas: settings.replicas,
    duplicate_window: nanos(stream.duplicateWindowMs),
    subjects: stream.subjects.map((subject) => prefixedSubject(settings.prefix, subject)),
  };
  const found = await manager.streams.info(name).catch(notFound);
  if (!found) {
    await manager.streams.add({
      name,
      ...limits,
      storage: StorageType.File,
      retention: stream.retention === 'workqueue' ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
      discard: stream.discard === 'new' ? DiscardPolicy.New : DiscardPolicy.Old,
    });
    return;
  }
  const differs = Object.entries(limits).some(
    ([key, value]) => JSON.stringify(found.config[key as keyof typeof limits]) !== JSON.stringify(value),
  );
  if (differs) await manager.streams.update(name, { ...found.config, ...limits });
};

const ensureDurable = async (manager: JetStreamManager, durable: Durable, settings: StreamSettings): Promise<void> => {
  const stream = prefixedStream(settings.prefix, streams[durable.stream].name);
  const limits = {
    ack_wait: nanos(durable.ackWaitMs),
    max_ack_pending: durable.maxAckPending,
    filter_subject: prefixedSubject(settings.prefix, durable.filter),
  };
  const found = await manager.consumers.info(stream, durable.name).catch(notFound);
  if (!found) {
    await manager.consumers.add(stream, {
      durable_name: durable.name,
      ack_policy: AckPolicy.Explicit,
      // Attempts are counted in the message; a redelivery by NATS is no attempt.
      max_deliver: -1,
      ...limits,
    });
    return;
  }
  const { ack_wait, max_ack_pending, filter_subject } = found.config;
  const isSame =
    ack_wait === limits.ack_wait &&
    max_ack_pending === limits.max_ack_pending &&
    filter_subject === limits.filter_subject;
  if (!isSame) await manager.consumers.update(stream, durable.name, limits);
};

/** JetStream API: 10059 stream not found, 10014 consumer not found. */
const notFound = (error: unknown): undefined => {
  if (error instanceof JetStreamApiError && [10059, 10014].includes(error.code)) return undefined;
  throw error;
};
