import { join } from 'node:path';
import type { BenchOptions, Figure } from './bench.ts';
import { openLane } from './dispatcher.ts';
import { component, createNodes, outstanding, startIntake } from './gateway.ts';
import { load, used, warmUp } from './measure.ts';
import { openStage } from '../harness/environment.ts';
import { startTrivialPushApi } from '../harness/push-api-stub.ts';
import { startXmppPeer } from '../harness/xmpp-server-stub.ts';

/** How the cost of a push grows with the nodes in Redis and with the deliveries that wait. */
export const growthBench = async (options: BenchOptions): Promise<readonly Figure[]> => [
  ...(await nodesInRedis(options)),
  ...(await deliveriesWaiting(options)),
];

const sizes = ({ scale }: BenchOptions) => [1_000, 100_000, 1_000_000].map((each) => Math.round(each * scale));

/** Pushes that are measured at each size. */
const pushes = 20_000;

const nodesInRedis = async (options: BenchOptions): Promise<readonly Figure[]> => {
  const stage = await openStage(options);
  const peer = await startXmppPeer(component);
  try {
    const { pubsubPush, gateway } = await startIntake(stage, peer);
    const figures: Figure[] = [];
    let created = 0;
    for (const nodes of sizes(options)) {
      await createNodes(stage, nodes - created, created);
      const step = Math.max(1, Math.floor(nodes / 997));
      const publish = (index: number) => peer.publish(`n${(index * step) % nodes}`, `d${(index * step) % nodes}`);
      // The first size is warmed up by as much as the others find behind them.
      await load(created === 0 ? warmUp + pushes : warmUp, outstanding, publish);
      created = nodes;
      const measured = await used({ gateway: gateway.ops, 'pubsub-push': pubsubPush.ops }, pushes, () =>
        load(pushes, outstanding, publish),
      );
      figures.push({ name: `growth: ${nodes} nodes`, run: measured.result, used: measured.used });
    }
    return figures;
  } finally {
    peer.close();
    await stage.close();
  }
};

/** For each delivery that is answered another one is stored, so that as many wait at the end as at the start. */
const deliveriesWaiting = async (options: BenchOptions): Promise<readonly Figure[]> => {
  const figures: Figure[] = [];
  for (const waiting of sizes(options)) {
    // A NATS of its own: deliveries that the last one has seen would be duplicates.
    const stage = await openStage({ ...options, dataDir: join(options.dataDir, `waiting-${waiting}`) });
    const lane = await openLane(stage);
    let failed = 0;
    const api = await startTrivialPushApi(0, () => {
      void lane.storeOne().then((stored) => {
        if (!stored) failed += 1;
      });
    });
    try {
      await lane.store(waiting);
      const warmed = api.untilAnswered(warmUp);
      const dispatcher = await stage.start('dispatcher', {
        PUSH_API_URL: api.url,
        NATS_STREAM_MAX_MESSAGES: '2000000',
      });
      await warmed;
      const answered = api.untilAnswered(pushes);
      const started = performance.now();
      const measured = await used({ dispatcher: dispatcher.ops }, pushes, () => answered);
      const perSecond = pushes / ((performance.now() - started) / 1000);
      const run = { perSecond, p50: Number.NaN, p99: Number.NaN, failed };
      figures.push({ name: `growth: ${waiting} deliveries waiting`, run, used: measured.used });
    } finally {
      api.close();
      await lane.close();
      await stage.close();
    }
  }
  return figures;
};
