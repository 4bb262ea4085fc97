import { createBus } from '@pushmesh/bus';
import { messages, subjects } from '@pushmesh/contracts';
import type { Delivery } from '@pushmesh/contracts';
import { createLog, createMetrics } from '@pushmesh/telemetry';
import type { BenchOptions, Figure } from './bench.ts';
import { load, used, warmUp } from './measure.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';
import { startTrivialPushApi } from './trivial-push-api.ts';

const delivery = (index: number): Delivery => ({
  v: 1,
  id: `bench-${index}`,
  node: { host: 'push.localhost', node: `n${index}`, version: 1 },
  service: 'fcm',
  mode: 'prod',
  deviceId: `d${index}`,
  options: { service: 'fcm', device_id: `d${index}` },
  summary: { messageCount: 1, lastMessageSender: 'bob@localhost/lab', lastMessageBody: `Message ${index}` },
  acceptedAt: Date.now(),
  expiresAt: Date.now() + 3_600_000,
  attempt: 1,
});

/** The lane of FCM, for deliveries from `bench-0` on. */
export const openLane = async (stage: Stage) => {
  const bus = createBus(
    {
      name: 'bench',
      url: stage.natsUrl,
      streams: { prefix: '', replicas: 1, maxBytes: 536_870_912, maxMessages: 2_000_000 },
      publishTimeoutMs: 30_000,
      commandTimeoutMs: 10_000,
      maxPublishesInFlight: 4_096,
    },
    createLog('bench', 'silent'),
    createMetrics('bench'),
  );
  while (bus.missing()) await new Promise((resolve) => setTimeout(resolve, 20));
  let next = 0;
  const storeOne = async (): Promise<boolean> => {
    const index = next++;
    const stored = await bus.publish(subjects.delivery('fcm', 'prod'), messages.delivery, delivery(index), {
      msgId: `bench-${index}`,
    });
    return stored.type === 'stored';
  };
  return {
    /** False when it could not be stored. */
    storeOne,
    store: async (count: number): Promise<void> => {
      const { failed } = await load(count, 512, storeOne);
      if (failed > 0) throw new Error(`${failed} of ${count} deliveries could not be stored`);
    },
    close: () => bus.stop(),
  };
};

/** Deliveries that wait in JetStream, sent to a push API that does nothing but take its time. */
export const dispatcherBench = async (options: BenchOptions): Promise<readonly Figure[]> => {
  const figures: Figure[] = [];
  for (const { latencyMs, concurrency } of [
    { latencyMs: 0, concurrency: 64 },
    { latencyMs: 50, concurrency: 320 },
  ]) {
    const stage = await openStage(options);
    const api = await startTrivialPushApi(latencyMs);
    try {
      const count = Math.round(20_000 * options.scale);
      const lane = await openLane(stage);
      await lane.store(warmUp + count);
      await lane.close();
      const warmed = api.untilAnswered(warmUp);
      const dispatcher = await stage.start('dispatcher', { PUSH_API_URL: api.url, CONCURRENCY: String(concurrency) });
      await warmed;
      const rest = api.untilAnswered(count);
      const started = performance.now();
      const measured = await used({ dispatcher: dispatcher.ops }, count, () => rest);
      const seconds = (performance.now() - started) / 1000;
      const run = { perSecond: count / seconds, p50: Number.NaN, p99: Number.NaN, failed: 0 };
      figures.push({ name: `dispatcher.deliveries_per_s (${latencyMs} ms)`, run, used: measured.used });
    } finally {
      api.close();
      await stage.close();
    }
  }
  return figures;
};
