import { startEnvironment } from '../harness/environment.ts';
import type { Environment } from '../harness/environment.ts';
import { runLoad } from '../harness/load.ts';
import { component, createNodes } from '../harness/push-nodes.ts';
import { startXmppServerStub } from '../harness/xmpp-server-stub.ts';
import type { XmppServerStub } from '../harness/xmpp-server-stub.ts';
import { measureUse, warmUp } from './measure.ts';
import type { BenchOptions, Figure } from './measure.ts';

/** Publishes that the XMPP server has in flight. */
export const publishesInFlight = 256;

/** From a publish of the XMPP server stub to the durable `result`. */
export const gatewayBench = async (options: BenchOptions): Promise<readonly Figure[]> => {
  const environment = await startEnvironment(options);
  const xmppServer = await startXmppServerStub(component);
  try {
    const { pubsubPush, gateway } = await startGateway(environment, xmppServer);
    const nodes = 1_000;
    await createNodes(environment.natsUrl, nodes);
    const publish = (index: number) => xmppServer.publish(`n${index % nodes}`, `d${index % nodes}`);
    await runLoad(warmUp, publishesInFlight, publish);
    const count = Math.round(20_000 * options.scale);
    const measured = await measureUse({ gateway: gateway.ops, 'pubsub-push': pubsubPush.ops }, count, () =>
      runLoad(count, publishesInFlight, publish),
    );
    return [{ name: 'gateway.accepted_per_s', run: measured.result, used: measured.used }];
  } finally {
    xmppServer.close();
    await environment.stop();
  }
};

/** Starts pubsub-push, and a gateway that is connected to the XMPP server. */
export const startGateway = async (environment: Environment, xmppServer: XmppServerStub) => {
  const pubsubPush = await environment.start('pubsub-push', {});
  const gateway = await environment.start('gateway', {
    XMPP_SERVICE: xmppServer.service,
    XMPP_COMPONENTS: component,
    XMPP_COMPONENT_SECRET: 'x',
  });
  await xmppServer.online;
  return { pubsubPush, gateway };
};
