import { createBus } from '@pushmesh/bus';
import { createLog, createMetrics } from '@pushmesh/telemetry';
import type { BenchOptions, Figure } from './bench.ts';
import { load, used, warmUp } from './measure.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';
import { startXmppPeer } from './xmpp-peer.ts';
import type { XmppPeer } from './xmpp-peer.ts';

export const component = 'push.localhost';
/** Publishes that the XMPP server leaves unanswered at a time. */
export const outstanding = 256;

/** Creates push nodes `n0`, `n1`, … owned by a user of `localhost`, as the gateway would. */
export const createNodes = async (stage: Stage, count: number, from = 0): Promise<void> => {
  const bus = createBus(
    {
      name: 'bench',
      url: stage.natsUrl,
      streams: { prefix: '', replicas: 1, maxBytes: 536_870_912, maxMessages: 2_000_000 },
      publishTimeoutMs: 10_000,
      commandTimeoutMs: 10_000,
      maxPublishesInFlight: 4_096,
    },
    createLog('bench', 'silent'),
    createMetrics('bench'),
  );
  while (bus.missing()) await new Promise((resolve) => setTimeout(resolve, 20));
  const create = async (index: number): Promise<boolean> => {
    const command = {
      v: 1 as const,
      host: component,
      node: `n${from + index}`,
      owner: `user${from + index}@localhost`,
    };
    const reply = await bus.request('create-node', command, '');
    return reply.type === 'created';
  };
  const { failed } = await load(count, 64, create);
  await bus.stop();
  if (failed > 0) throw new Error(`${failed} of ${count} push nodes could not be created`);
};

/** pubsub-push, and a gateway that the peer has let in. */
export const startIntake = async (stage: Stage, peer: XmppPeer) => {
  const pubsubPush = await stage.start('pubsub-push', {});
  const gateway = await stage.start('gateway', {
    XMPP_SERVICE: peer.service,
    XMPP_COMPONENTS: component,
    XMPP_COMPONENT_SECRET: 'x',
  });
  await peer.online;
  return { pubsubPush, gateway };
};

/** Publishes from a scripted component peer to the durable `result`. */
export const gatewayBench = async (options: BenchOptions): Promise<readonly Figure[]> => {
  const stage = await openStage(options);
  const peer = await startXmppPeer(component);
  try {
    const { pubsubPush, gateway } = await startIntake(stage, peer);
    const nodes = 1_000;
    await createNodes(stage, nodes);
    const publish = (index: number) => peer.publish(`n${index % nodes}`, `d${index % nodes}`);
    await load(warmUp, outstanding, publish);
    const count = Math.round(20_000 * options.scale);
    const measured = await used({ gateway: gateway.ops, 'pubsub-push': pubsubPush.ops }, count, () =>
      load(count, outstanding, publish),
    );
    return [{ name: 'gateway.accepted_per_s', run: measured.result, used: measured.used }];
  } finally {
    peer.close();
    await stage.close();
  }
};
