import { messages, subjects } from '@pushmesh/contracts';
import type { Delivery } from '@pushmesh/contracts';
import { connectBus } from '../harness/bus.ts';
import { startEnvironment } from '../harness/environment.ts';
import type { Environment } from '../harness/environment.ts';
import { runLoad } from '../harness/load.ts';
import { startPushApiStub } from '../harness/push-api-stub.ts';
import { measureUse, throughput, warmUp } from './measure.ts';
import type { BenchOptions, Figure } from './measure.ts';

/** Deliveries that wait in JetStream, sent to a push API that only takes its time. */
export const dispatcherBench = async (options: BenchOptions): Promise<readonly Figure[]> => {
  const figures: Figure[] = [];
  for (const { latencyMs, concurrency } of [
    { latencyMs: 0, concurrency: 64 },
    { latencyMs: 50, concurrency: 320 },
  ]) {
    const environment = await startEnvironment(options);
    const api = await startPushApiStub(latencyMs);
    try {
      const count = Math.round(20_000 * options.scale);
      const deliveries = await connectDeliveryPublisher(environment.natsUrl);
      await deliveries.publish(warmUp + count);
      await deliveries.close();
      const { perSecond, used } = await measureDispatcher(environment, api, count, {
        CONCURRENCY: String(concurrency),
      });
      figures.push({
        name: `dispatcher.deliveries_per_s (${latencyMs} ms)`,
        run: throughput(perSecond),
        used,
      });
    } finally {
      api.close();
      await environment.stop();
    }
  }
  return figures;
};

/** Publishes deliveries for the lane of FCM, numbered from `bench-0`. */
export const connectDeliveryPublisher = async (natsUrl: string) => {
  const bus = await connectBus(natsUrl);
  let next = 0;
  const publishOne = async (): Promise<boolean> => {
    const index = next++;
    const stored = await bus.publish(subjects.delivery('fcm', 'prod'), messages.delivery, delivery(index), {
      msgId: `bench-${index}`,
    });
    return stored.type === 'stored';
  };
  return {
    /** Resolves to false if the delivery could not be stored. */
    publishOne,
    publish: async (count: number): Promise<void> => {
      const { failed } = await runLoad(count, 512, publishOne);
      if (failed > 0) throw new Error(`${failed} of ${count} deliveries could not be stored`);
    },
    close: () => bus.stop(),
  };
};

/** Starts a dispatcher for deliveries that wait already, and measures `count` of them after the warm-up. */
export const measureDispatcher = async (
  environment: Environment,
  api: Awaited<ReturnType<typeof startPushApiStub>>,
  count: number,
  env: Readonly<Record<string, string>>,
) => {
  const warmedUp = api.untilAnswered(warmUp);
  const dispatcher = await environment.start('dispatcher', { PUSH_API_URL: api.url, ...env });
  await warmedUp;
  const answered = api.untilAnswered(count);
  const started = performance.now();
  const { used } = await measureUse({ dispatcher: dispatcher.ops }, count, () => answered);
  return { perSecond: count / ((performance.now() - started) / 1000), used };
};

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
