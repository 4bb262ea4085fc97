import { connectClient } from '../../deploy/local/client.ts';
import { createNode, enable } from '../../deploy/local/guide.ts';
import { startMesh } from '../../deploy/local/mesh.ts';
import type { BenchOptions, Figure } from './bench.ts';
import { startTrivialPushApi } from './dispatcher.ts';
import { component, createNodes, outstanding } from './gateway.ts';
import { load, used } from './measure.ts';
import { openStage } from './stage.ts';
import { startXmppPeer } from './xmpp-peer.ts';

/** From a scripted peer to the answer of the push API, through all services; then the latency at half of that rate. */
export const lineBench = async (options: BenchOptions): Promise<readonly Figure[]> => {
  const stage = await openStage(options);
  const peer = await startXmppPeer(component);
  const api = await startTrivialPushApi(0);
  try {
    const pubsubPush = await stage.start('pubsub-push', {});
    const dispatcher = await stage.start('dispatcher', { PUSH_API_URL: api.url });
    const gateway = await stage.start('gateway', {
      XMPP_SERVICE: peer.service,
      XMPP_COMPONENTS: component,
      XMPP_COMPONENT_SECRET: 'x',
    });
    await peer.online;
    const nodes = 1_000;
    await createNodes(stage, nodes);
    const publish = (index: number) => peer.publish(`n${index % nodes}`, `d${index % nodes}`);
    const push = async (count: number, perSecond?: number) => {
      const arrived = api.untilAnswered(count);
      const started = performance.now();
      const run = await load(count, outstanding, publish, perSecond);
      await arrived;
      return { ...run, perSecond: count / ((performance.now() - started) / 1000) };
    };
    await push(Math.round(3_000 * options.scale));
    const processes = { gateway: gateway.ops, 'pubsub-push': pubsubPush.ops, dispatcher: dispatcher.ops };
    const count = Math.round(10_000 * options.scale);
    const top = await used(processes, count, () => push(count));
    const half = await used(processes, count, () => push(count, top.result.perSecond / 2));
    return [
      { name: 'line.pushes_per_s', run: top.result, used: top.used },
      { name: 'line.latency_ms (to the result, at half rate)', run: half.result, used: half.used },
    ];
  } finally {
    peer.close();
    api.close();
    await stage.close();
  }
};

/** Real offline messages through ejabberd’s own push module to the sandbox. */
export const ejabberdLineBench = async ({ dataDir, scale, report }: BenchOptions): Promise<readonly Figure[]> => {
  const mesh = await startMesh({
    dataDir,
    server: 'ejabberd',
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
    const [alice, bob] = users;
    if (!alice || !bob) throw new Error('the mesh names no two users');
    const phone = await connectClient({ ...xmpp, ...alice }, 'phone');
    await phone.iq('set', component, createNode('bench'));
    await phone.iq('set', undefined, enable(component, 'bench', { service: 'fcm', device_id: 'bench' }));
    await phone.close();
    const desk = await connectClient({ ...xmpp, ...bob }, 'desk');
    const delivered = async () => {
      const text = await (await fetch(`${mesh.services.dispatcher.ops}/metrics`)).text();
      return Number(/^pushmesh_delivery_outcomes_total\{[^}]*outcome="delivered"[^}]*\} (\d+)$/m.exec(text)?.[1] ?? 0);
    };
    const send = async (count: number): Promise<number> => {
      const target = (await delivered()) + count;
      const started = performance.now();
      for (let n = 0; n < count; n += 1) await desk.message(alice.jid, `message ${n}`);
      while ((await delivered()) < target) await new Promise((resolve) => setTimeout(resolve, 20));
      return count / ((performance.now() - started) / 1000);
    };
    await send(Math.round(300 * scale));
    const count = Math.round(2_000 * scale);
    const measured = await used(mesh.endpoints.ops, count, () => send(count));
    await desk.close();
    const run = { perSecond: measured.result, p50: Number.NaN, p99: Number.NaN, failed: 0 };
    return [{ name: 'line_ejabberd.pushes_per_s', run, used: measured.used }];
  } finally {
    await mesh.stop();
  }
};
