import { choosePorts } from '@pushmesh/servers';
import { connectClient } from '../../deploy/local/client.ts';
import { createNode, enable } from '../../deploy/local/guide.ts';
import { startMesh } from '../../deploy/local/mesh.ts';
import type { BenchOptions, Figure } from './bench.ts';
import { countDelivered } from './delivery-waiter.ts';
import { startFakesProcess } from './fakes.ts';
import { component, createNodes, outstanding, startIntake } from './gateway.ts';
import { load, used, warmUp } from './measure.ts';
import { openStage } from '../harness/environment.ts';
import { startXmppPeer } from '../harness/xmpp-server-stub.ts';

/** From a scripted peer to the answer of a fake FCM, through all services; then the latency at half of that rate. */
export const lineBench = async (options: BenchOptions): Promise<readonly Figure[]> => {
  const stage = await openStage(options);
  const peer = await startXmppPeer(component);
  const fakes = await startFakesProcess(options);
  try {
    const { http } = await choosePorts({ http: undefined }, options.report);
    const pushService = await stage.start('push-service', { ...fakes.env, HTTP_PORT: String(http) });
    const dispatcher = await stage.start('dispatcher', { PUSH_API_URL: `http://127.0.0.1:${http}` });
    const { pubsubPush, gateway } = await startIntake(stage, peer);
    const nodes = 1_000;
    await createNodes(stage, nodes);
    const publish = (index: number) => peer.publish(`n${index % nodes}`, `d${index % nodes}`);
    const push = async (count: number, perSecond?: number) => {
      const untilDelivered = await countDelivered(dispatcher.ops);
      const started = performance.now();
      const run = await load(count, outstanding, publish, perSecond);
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
    const top = await used(processes, count, () => push(count));
    const half = await used(processes, count, () => push(count, top.result.perSecond / 2));
    return [
      { name: 'line.pushes_per_s', run: top.result, used: top.used },
      { name: 'line.latency_ms (to the result, at half rate)', run: half.result, used: half.used },
    ];
  } finally {
    peer.close();
    await stage.close();
    await fakes.stop();
  }
};

/** Users who are away. ejabberd counts the messages that wait for each anew with every push. */
const phones = Array.from({ length: 100 }, (_each, index) => ({ name: `phone${index}`, password: 'phone' }));

/** Real offline messages through ejabberd’s own push module to the sandbox. */
export const ejabberdLineBench = async ({ dataDir, scale, report }: BenchOptions): Promise<readonly Figure[]> => {
  const mesh = await startMesh({
    dataDir,
    server: 'ejabberd',
    users: [...phones, { name: 'bob', password: 'bob' }],
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
    const away = users.slice(0, phones.length);
    const bob = users.at(-1);
    if (!bob) throw new Error('the mesh names no users');
    for (const { jid, password } of away) {
      const phone = await connectClient({ ...xmpp, jid, password }, 'phone');
      await phone.iq('set', component, createNode(jid));
      await phone.iq(
        'set',
        undefined,
        enable(component, jid, { service: 'fcm', device_id: `bench-${jid.split('@')[0]}` }),
      );
      await phone.close();
    }
    const desk = await connectClient({ ...xmpp, ...bob }, 'desk');
    const send = async (count: number): Promise<number> => {
      const untilDelivered = await countDelivered(mesh.services.dispatcher.ops);
      const started = performance.now();
      for (let n = 0; n < count; n += 1) await desk.message(away[n % away.length]?.jid ?? '', `message ${n}`);
      await untilDelivered(count);
      return count / ((performance.now() - started) / 1000);
    };
    await send(5_000); // more that wait for the phones would slow ejabberd down
    const count = Math.round(5_000 * scale);
    const measured = await used(mesh.endpoints.ops, count, () => send(count));
    await desk.close();
    const run = { perSecond: measured.result, p50: Number.NaN, p99: Number.NaN, failed: 0 };
    return [{ name: 'line_ejabberd.pushes_per_s', run, used: measured.used }];
  } finally {
    await mesh.stop();
  }
};
