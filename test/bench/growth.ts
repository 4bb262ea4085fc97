import { join } from 'node:path';
import { startEnvironment } from '../harness/environment.ts';
import { runLoad } from '../harness/load.ts';
import { startPushApiStub } from '../harness/push-api-stub.ts';
import { component, createNodes } from '../harness/push-nodes.ts';
import { startXmppServerStub } from '../harness/xmpp-server-stub.ts';
import { connectDeliveryPublisher, measureDispatcher } from './dispatcher.ts';
import { publishesInFlight, startGateway } from './gateway.ts';
import { measureUse, throughput, warmUp } from './measure.ts';
import type { BenchOptions, Figure } from './measure.ts';

/** How the cost of a push grows with the push nodes in Redis and with the deliveries that wait. */
export const growthBench = async (options: BenchOptions): Promise<readonly Figure[]> => [
  ...(await nodesInRedis(options)),
  ...(await deliveriesWaiting(options)),
];

const sizes = ({ scale }: BenchOptions) => [1_000, 100_000, 1_000_000].map((each) => Math.round(each * scale));

/** Pushes that are measured at each size. */
const pushes = 20_000;

const nodesInRedis = async (options: BenchOptions): Promise<readonly Figure[]> => {
  const environment = await startEnvironment(options);
  const xmppServer = await startXmppServerStub(component);
  try {
    const { pubsubPush, gateway } = await startGateway(environment, xmppServer);
    const figures: Figure[] = [];
    let created = 0;
    for (const nodes of sizes(options)) {
      await createNodes(environment.natsUrl, nodes - created, created);
      const step = Math.max(1, Math.floor(nodes / 997));
      const publish = (index: number) => xmppServer.publish(`n${(index * step) % nodes}`, `d${(index * step) % nodes}`);
      // The first size is also warmed up with as many pushes as the later sizes have behind them.
      await runLoad(created === 0 ? warmUp + pushes : warmUp, publishesInFlight, publish);
      created = nodes;
      const measured = await measureUse({ gateway: gateway.ops, 'pubsub-push': pubsubPush.ops }, pushes, () =>
        runLoad(pushes, publishesInFlight, publish),
      );
      figures.push({ name: `growth: ${nodes} nodes`, run: measured.result, used: measured.used });
    }
    return figures;
  } finally {
    xmppServer.close();
    await environment.stop();
  }
};

/** A new delivery is stored for each one that is answered, so that the number that wait stays the same. */
const deliveriesWaiting = async (options: BenchOptions): Promise<readonly Figure[]> => {
  const figures: Figure[] = [];
  for (const waiting of sizes(options)) {
    // A new NATS each time: it would drop the ids that the previous one has seen as duplicates.
    const environment = await startEnvironment({ ...options, dataDir: join(options.dataDir, `waiting-${waiting}`) });
    const deliveries = await connectDeliveryPublisher(environment.natsUrl);
    let failed = 0;
    const api = await startPushApiStub(0, () => {
      void deliveries.publishOne().then((stored) => {
        if (!stored) failed += 1;
      });
    });
    try {
      await deliveries.publish(waiting);
      const env = { NATS_STREAM_MAX_MESSAGES: '2000000' };
      const { perSecond, used } = await measureDispatcher(environment, api, pushes, env);
      figures.push({ name: `growth: ${waiting} deliveries waiting`, run: throughput(perSecond, failed), used });
    } finally {
      api.close();
      await deliveries.close();
      await environment.stop();
    }
  }
  return figures;
};
