// `npm run demo`: the flow of MongooseIM’s “Push Notifications” guide, with real XMPP clients beside a running
// `npm start`. The exit status says whether it held.
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { readCommandLine } from '@pushmesh/config';
import { claim } from '@pushmesh/servers';
import { connectClient } from './client.ts';
import type { Client } from './client.ts';
import { demoFile, endpointsFile } from './data-dir.ts';
import { createNode, deleteNode, disable, enable, setAffiliation } from './guide.ts';
import { lastHop, notReady, readSeen } from './hops.ts';
import type { Seen } from './hops.ts';
import type { Endpoints } from './mesh.ts';
import { expectNothing, faultsOf, waitForPush } from './phone.ts';
import type { Notification } from './phone.ts';
import { takeAway } from './registration.ts';
import type { Registration } from './registration.ts';

const readEndpoints = (): Endpoints => {
  try {
    return JSON.parse(readFileSync(endpointsFile, 'utf8')) as Endpoints;
  } catch {
    console.error(`Nothing runs: ${endpointsFile} is not there. Start the mesh first, in another terminal: npm start`);
    process.exit(1);
  }
};

readCommandLine({ usage: 'Usage: npm run demo   (beside a running npm start)', options: {}, read: () => {} });

class DemoFailed extends Error {}

const { xmpp, components, pushService, ops } = readEndpoints();
const [alice, bob] = xmpp.users;
if (!alice || !bob) throw new Error(`${endpointsFile} names no two users`);

// A fresh node and phone each time, so that the demo can be run again and again.
const node = `princely_musings-${randomUUID().slice(0, 8)}`;
const deviceId = `demo-phone-${randomUUID().slice(0, 8)}`;
const greeting = 'Neither, fair saint, if either thee dislike.';
const open: Client[] = [];
const pushNode: Registration = {
  what: `the push node ${node}`,
  to: components.push,
  takeAway: () => deleteNode(node),
};
const enabledPush: Registration = {
  what: `push enabled for the node ${node}`,
  to: undefined,
  takeAway: () => disable(components.push, node),
};
/** What may be registered, from before the request on, and must be taken away again. */
const registered = new Set<Registration>();
/** What the hops had seen when the message went out. */
let goneOut: Seen | undefined;
let step = 0;

const tell = (what: string) => console.log(`${(step += 1)}. ${what}`);
const show = (what: string) => console.log(`   ${what}`);
const logIn = async (user: { jid: string; password: string }, resource: string): Promise<Client> => {
  const client = await connectClient({ host: xmpp.host, port: xmpp.port, domain: xmpp.domain, ...user }, resource);
  open.push(client);
  return client;
};
const expectResult = async (reply: Promise<{ attrs: Record<string, string>; toString(): string }>): Promise<void> => {
  const answer = await reply;
  if (answer.attrs['type'] !== 'result') throw new DemoFailed(`expected a result, got ${answer.toString()}`);
  show('← result');
};

/** Every part of the notification that the guide names, compared with what was asked for. */
const check = (push: Notification): void => {
  const wanted = { title: bob.jid, body: greeting, badge: 1, click_action: 'open_chat', mode: 'dev', service: 'fcm' };
  for (const [field, want] of Object.entries(wanted)) {
    const got = push[field as keyof typeof wanted];
    // The server’s push module may give the sender as a full JID.
    const fits = got === want || (field === 'title' && String(got).startsWith(`${want}/`));
    show(`${fits ? '✓' : '✗'} ${field}: ${JSON.stringify(got)}`);
    if (!fits) throw new DemoFailed(`${field} is ${JSON.stringify(got)}, expected ${JSON.stringify(want)}`);
  }
};

/** What stands in the way of a push: the faults that are played, the services that are not well, the hop that was its last. */
const explain = async (): Promise<readonly string[]> => [
  ...((await faultsOf(pushService).catch(() => undefined)) ?? []).map(tellFault),
  ...(await notReady(ops)),
  ...(goneOut ? [lastHop(goneOut, await readSeen(ops))] : []),
];

const tellFault = (fault: object): string =>
  `the sandbox plays the fault ${JSON.stringify(fault)}; this ends it: curl -X DELETE ${pushService}/sandbox/fault`;

const askSandbox = async (): Promise<void> => {
  const faults = await faultsOf(pushService);
  if (!faults) throw new DemoFailed('push-service has credentials: there is no sandbox phone that could show a push');
  for (const fault of faults) console.log(`Beware: ${tellFault(fault)}`);
};

const flow = async (): Promise<void> => {
  tell(`${alice.jid} creates the push node ${node} at ${components.push}`);
  const phone = await logIn(alice, 'phone');
  registered.add(pushNode);
  await expectResult(phone.iq('set', components.push, createNode(node)));

  tell(`${alice.jid} lets their own server, ${xmpp.domain}, publish to it`);
  await expectResult(phone.iq('set', components.push, setAffiliation(node, xmpp.domain, 'publish-only')));

  tell(`${alice.jid} enables push on their own server, for the phone ${deviceId}`);
  const options = { service: 'fcm', device_id: deviceId, mode: 'dev', click_action: 'open_chat' };
  registered.add(enabledPush);
  await expectResult(phone.iq('set', undefined, enable(components.push, node, options)));

  tell(`${alice.jid} goes offline`);
  await phone.close();

  tell(`${bob.jid} writes: “${greeting}”`);
  const desk = await logIn(bob, 'desk');
  goneOut = await readSeen(ops);
  await desk.message(alice.jid, greeting);
  check(await waitForPush(pushService, deviceId, 1));

  tell(`${alice.jid} comes back and disables push for that node`);
  const again = await logIn(alice, 'phone');
  await expectResult(again.iq('set', undefined, disable(components.push, node)));
  registered.delete(enabledPush);
  await again.close();

  tell(`${bob.jid} writes again; nothing may come`);
  await desk.message(alice.jid, 'Are you there?');
  const quiet = await expectNothing(pushService, deviceId, 1);
  if (!quiet) throw new DemoFailed('a push came although push is disabled');
  show('✓ the phone stays silent');

  tell(`${alice.jid} deletes the push node`);
  const last = await logIn(alice, 'phone');
  await expectResult(last.iq('set', components.push, deleteNode(node)));
  registered.delete(pushNode);
};

/** A session that is not closed stays for minutes, and its user online. */
const closeAll = async (): Promise<void> => {
  await Promise.allSettled(open.splice(0).map((client) => client.close()));
};

/** Takes away what the flow has left, and says what may still be there. */
const cleanUp = async (): Promise<void> => {
  await closeAll();
  if (registered.size === 0) return;
  const all = [...registered].toReversed();
  // Another resource: a log-in as the phone may be under way.
  const left = await logIn(alice, 'cleaning').then(
    (phone) => takeAway(phone, all),
    (error: Error) => all.map(({ what }) => `${what}: ${error.message}`),
  );
  if (left.length === 0) console.error('What it had registered is gone again.');
  for (const each of left) console.error(`It may have left ${each}`);
};

if (claim(demoFile)) {
  console.error('Another demo is under way, and each would keep the other’s users online. Try again in a few seconds.');
  process.exit(1);
}
const stopped = Promise.withResolvers<never>();
stopped.promise.catch(() => {}); // it may come before anybody waits for it
let isStopping = false;
let isImpatient = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    if (isImpatient) process.exit(1);
    isStopping = true;
    stopped.reject(new DemoFailed('it was stopped'));
    // It reaches us twice, from the terminal and through npm.
    setTimeout(() => (isImpatient = true), 1_500);
  });

const started = Date.now();
try {
  await askSandbox();
  await Promise.race([flow(), stopped.promise]);
  console.log(
    `\nThe whole flow held, in ${((Date.now() - started) / 1000).toFixed(1)} s. The phones are at ${pushService}/`,
  );
} catch (error) {
  console.error(`\nIt did not hold: ${(error as Error).message}`);
  for (const why of isStopping ? [] : await explain()) console.error(`  ${why}`);
  process.exitCode = 1;
}
await cleanUp();
await closeAll();
rmSync(demoFile, { force: true });
process.exit();
