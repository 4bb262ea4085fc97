import { join } from 'node:path';
import type { BenchOptions, Figure } from './bench.ts';
import { storeDeliveries } from './dispatcher.ts';
import { component, createNodes, outstanding, startIntake } from './gateway.ts';
import { load, used, warmUp } from './measure.ts';
import { openStage } from './stage.ts';
import { startTrivialPushApi } from './trivial-push-api.ts';
import { startXmppPeer } from './xmpp-peer.ts';

/** How the cost of a push grows with the nodes in Redis and with the deliveries that wait. */
export const growthBench = async (options: BenchOptions): Promise<readonly Figure[]> => [
  ...(await nodesInRedis(options)),
  ...(await deliveriesWaiting(options)),
];

const nodesInRedis = async (options: BenchOptions): Promise<readonly Figure[]> => {
  const stage = await openStage(options);
  const peer = await startXmppPeer(component);
  try {
    const { pubsubPush, gateway } = await startIntake(stage, peer);
    const figures: Figure[] = [];
    let created = 0;
    for (const nodes of [1_000, 100_000, 1_000_000].map((each) => Math.round(each * options.scale))) {
      await createNodes(stage, nodes - created, created);
      created = nodes;
      const step = Math.max(1, Math.floor(nodes / 997));
      const publish = (index: number) => peer.publish(`n${(index * step) % nodes}`, `d${(index * step) % nodes}`);
      await load(warmUp, outstanding, publish);
      const measured = await used({ gateway: gateway.ops, 'pubsub-push': pubsubPush.ops }, 20_000, () =>
        load(20_000, outstanding, publish),
      );
      figures.push({ name: `growth: ${nodes} nodes`, run: measured.result, used: measured.used });
    }
    return figures;
  } finally {
    peer.close();
    await stage.close();
  }
};

const deliveriesWaiting = async (options: BenchOptions): Promise<readonly Figure[]> => {
  const figures: Figure[] = [];
  for (const waiting of [1_000, 100_000, 1_000_000].map((each) => Math.round(each * options.scale))) {
    // A NATS of its own: deliveries that the last one has seen would be duplicates.
    const stage = await openStage({ ...options, dataDir: join(options.dataDir, `waiting-${waiting}`) });
    const api = await startTrivialPushApi(0);
    try {
      await storeDeliveries(stage, warmUp + waiting);
      const warmed = api.untilAnswered(warmUp);
      const dispatcher = await stage.start('dispatcher', {
        PUSH_API_URL: api.url,
        NATS_STREAM_MAX_MESSAGES: '2000000',
      });
      await warmed;
      const count = Math.min(20_000, Math.round(waiting * 0.8));
      const answered = api.untilAnswered(count);
      const started = performance.now();
      const measured = await used({ dispatcher: dispatcher.ops }, count, () => answered);
      const run = {
        perSecond: count / ((performance.now() - started) / 1000),
        p50: Number.NaN,
        p99: Number.NaN,
        failed: 0,
      };
      figures.push({ name: `growth: ${waiting} deliveries waiting`, run, used: measured.used });
    } finally {
      api.close();
      await stage.close();
    }
  }
  return figures;
};
