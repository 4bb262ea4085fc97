import { createBus } from '@pushmesh/bus';
import { createLog, createMetrics } from '@pushmesh/telemetry';

/** A bus on this NATS, with room for millions of messages, as soon as its streams are there. */
export const connectBus = async (natsUrl: string) => {
  const bus = createBus(
    {
      name: 'bench',
      url: natsUrl,
      streams: { prefix: '', replicas: 1, maxBytes: 536_870_912, maxMessages: 2_000_000 },
      publishTimeoutMs: 30_000,
      commandTimeoutMs: 10_000,
      maxPublishesInFlight: 4_096,
    },
    createLog('bench', 'silent'),
    createMetrics('bench'),
  );
  while (bus.missing()) await new Promise((resolve) => setTimeout(resolve, 20));
  return bus;
};
