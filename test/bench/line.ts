import { choosePorts } from '@pushmesh/servers';
import { connectClient } from '../../deploy/local/client.ts';
import { createNode, enable } from '../../deploy/local/guide.ts';
import { startMesh } from '../../deploy/local/mesh.ts';
import { startEnvironment } from '../harness/environment.ts';
import { runLoad } from '../harness/load.ts';
import { component, createNodes } from '../harness/push-nodes.ts';
import { startXmppServerStub } from '../harness/xmpp-server-stub.ts';
import { createDeliveryWaiter } from './delivery-waiter.ts';
import { startFakesProcess } from './fakes.ts';
import { publishesInFlight, startGateway } from './gateway.ts';
import { measureUse, throughput, warmUp } from './measure.ts';
import type { BenchOptions, Figure } from './measure.ts';

/**
 * End to end: from a publish of the XMPP server stub through all services to the answer of a fake FCM. First the highest
 * rate, then the latency at half of it.
 */
export const lineBench = async (options: BenchOptions): Promise<readonly Figure[]> => {
  const environment = await startEnvironment(options);
  const xmppServer = await startXmppServerStub(component);
  const fakes = await startFakesProcess(options);
  try {
    const { http } = await choosePorts({ http: undefined }, options.report);
    const pushService = await environment.start('push-service', { ...fakes.env, HTTP_PORT: String(http) });
    const dispatcher = await environment.start('dispatcher', { PUSH_API_URL: `http://127.0.0.1:${http}` });
    const { pubsubPush, gateway } = await startGateway(environment, xmppServer);
    const nodes = 1_000;
    await createNodes(environment.natsUrl, nodes);
    const publish = (index: number) => xmppServer.publish(`n${index % nodes}`, `d${index % nodes}`);
    const push = async (count: number, perSecond?: number) => {
      const untilDelivered = await createDeliveryWaiter(dispatcher.ops);
      const started = performance.now();
      const run = await runLoad(count, publishesInFlight, publish, perSecond);
      await untilDelivered(count);
      return { ...run, perSecond: count / ((performance.now() - started) / 1000) };
    };
    await push(warmUp);
    const processes = {
      gateway: gateway.ops,
      'pubsub-push': pubsubPush.ops,
      dispatcher: dispatcher.ops,
      'push-service': pushService.ops,
    };
    const count = Math.round(20_000 * options.scale);
    const full = await measureUse(processes, count, () => push(count));
    const half = await measureUse(processes, count, () => push(count, full.result.perSecond / 2));
    return [
      { name: 'line.pushes_per_s', run: full.result, used: full.used },
      { name: 'line.latency_ms (to the result, at half rate)', run: half.result, used: half.used },
    ];
  } finally {
    xmppServer.close();
    await environment.stop();
    await fakes.stop();
  }
};

/** Offline users. With every push, ejabberd recounts the messages that wait for its user. */
const offlineUsers = Array.from({ length: 100 }, (_each, index) => ({ name: `phone${index}`, password: 'phone' }));

/** End to end: real offline messages through ejabberd's own push module to the sandbox. */
export const ejabberdLineBench = async ({ dataDir, scale, report }: BenchOptions): Promise<readonly Figure[]> => {
  const mesh = await startMesh({
    dataDir,
    server: 'ejabberd',
    users: [...offlineUsers, { name: 'bob', password: 'bob' }],
    report,
    settings: {
      gateway: { LOG_LEVEL: 'warn' },
      'pubsub-push': { LOG_LEVEL: 'warn' },
      dispatcher: { LOG_LEVEL: 'warn' },
      'push-service': { LOG_LEVEL: 'warn' },
    },
  });
  try {
    const { users, ...xmpp } = mesh.endpoints.xmpp;
    const offline = users.slice(0, offlineUsers.length);
    const bob = users.at(-1);
    if (!bob) throw new Error('the mesh has no users');
    for (const { jid, password } of offline) {
      const client = await connectClient({ ...xmpp, jid, password }, 'phone');
      await client.iq('set', component, createNode(jid));
      await client.iq(
        'set',
        undefined,
        enable(component, jid, { service: 'fcm', device_id: `bench-${jid.split('@')[0]}` }),
      );
      await client.close();
    }
    const sender = await connectClient({ ...xmpp, ...bob }, 'desk');
    const send = async (count: number): Promise<number> => {
      const untilDelivered = await createDeliveryWaiter(mesh.services.dispatcher.ops);
      const started = performance.now();
      for (let n = 0; n < count; n += 1) await sender.message(offline[n % offline.length]?.jid ?? '', `message ${n}`);
      await untilDelivered(count);
      return count / ((performance.now() - started) / 1000);
    };
    await send(5_000); // fewer than `warmUp`: ejabberd slows down as messages pile up for the users
    const count = Math.round(5_000 * scale);
    const { result, used } = await measureUse(mesh.endpoints.ops, count, () => send(count));
    await sender.close();
    return [{ name: 'line_ejabberd.pushes_per_s', run: throughput(result), used }];
  } finally {
    await mesh.stop();
  }
};
