import type { NatsOptions } from './connect-nats.ts';

export type BusOptions = NatsOptions & {
  /** How long JetStream may take to acknowledge a publish. */
  readonly publishTimeoutMs: number;
  /** How long a command waits for its reply. */
  readonly commandTimeoutMs: number;
  /** How many messages of this process may wait for a PubAck, and how many for a reply. */
  readonly maxPublishesInFlight: number;
};

/** The variables of the group `nats` of `@pushmesh/config`, parsed. */
export type NatsConfig = {
  readonly NATS_URL: string;
  readonly NATS_CREDS?: string;
  readonly NATS_SUBJECT_PREFIX: string;
  readonly NATS_STREAM_REPLICAS: number;
  readonly NATS_STREAM_MAX_BYTES: number;
  readonly NATS_STREAM_MAX_MESSAGES: number;
  readonly PUBLISH_TIMEOUT_MS: number;
};

/** @param name of the client, shown by the monitoring of the NATS server */
export const busOptionsOf = (
  name: string,
  config: NatsConfig,
  { maxPublishesInFlight = 4_096, commandTimeoutMs = 1_000 } = {},
): BusOptions => ({
  name,
  url: config.NATS_URL,
  creds: config.NATS_CREDS,
  streams: {
    prefix: config.NATS_SUBJECT_PREFIX,
    replicas: config.NATS_STREAM_REPLICAS,
    maxBytes: config.NATS_STREAM_MAX_BYTES,
    maxMessages: config.NATS_STREAM_MAX_MESSAGES,
  },
  publishTimeoutMs: config.PUBLISH_TIMEOUT_MS,
  commandTimeoutMs,
  maxPublishesInFlight,
});
