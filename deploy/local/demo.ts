// `npm run demo`: the flow of MongooseIM's "Push Notifications" guide, with real XMPP clients, on a running
// `npm start`. The exit status says whether everything worked.
import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { readCommandLine } from '@pushmesh/config';
import { claim } from '@pushmesh/servers';
import { connectClient } from './client.ts';
import type { Client } from './client.ts';
import { demoFile, endpointsFile } from './data-dir.ts';
import { createNode, deleteNode, disable, enable, setAffiliation } from './guide.ts';
import { describeProgress, notReady, readHopCounts } from './hops.ts';
import type { HopCounts } from './hops.ts';
import type { Endpoints } from './mesh.ts';
import { faultsOf, staysSilent, waitForPush } from './phone.ts';
import type { Notification } from './phone.ts';
import { removeAll } from './registration.ts';
import type { Registration } from './registration.ts';

const readEndpoints = (): Endpoints => {
  try {
    return JSON.parse(readFileSync(endpointsFile, 'utf8')) as Endpoints;
  } catch {
    console.error(
      `The mesh is not running: ${endpointsFile} does not exist. Start it first, in another terminal: npm start`,
    );
    process.exit(1);
  }
};

readCommandLine({
  usage: 'Usage: npm run demo   (while npm start is running in another terminal)',
  options: {},
  read: () => {},
});

class DemoFailed extends Error {}

const { xmpp, components, pushService, ops } = readEndpoints();
const [alice, bob] = xmpp.users;
if (!alice || !bob) throw new Error(`${endpointsFile} does not name two users`);

// A new node and phone each time, so that the demo can be repeated.
const node = `princely_musings-${randomUUID().slice(0, 8)}`;
const deviceId = `demo-phone-${randomUUID().slice(0, 8)}`;
const greeting = 'Neither, fair saint, if either thee dislike.';
const open: Client[] = [];
const pushNode: Registration = {
  what: `the push node ${node}`,
  to: components.push,
  removal: () => deleteNode(node),
};
const enabledPush: Registration = {
  what: `push enabled for the node ${node}`,
  to: undefined,
  removal: () => disable(components.push, node),
};
/** What may be registered, added before the request is sent, and must be removed in the end. */
const registered = new Set<Registration>();
/** What the hops had counted when the message was sent. */
let countsBefore: HopCounts | undefined;
let step = 0;

const announce = (what: string) => console.log(`${(step += 1)}. ${what}`);
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

/** Compares every part of the notification that the guide names with what was requested. */
const check = (push: Notification): void => {
  const wanted = { title: bob.jid, body: greeting, badge: 1, click_action: 'open_chat', mode: 'dev', service: 'fcm' };
  for (const [field, want] of Object.entries(wanted)) {
    const got = push[field as keyof typeof wanted];
    // The server's push module may give the sender as a full JID.
    const fits = got === want || (field === 'title' && String(got).startsWith(`${want}/`));
    show(`${fits ? '✓' : '✗'} ${field}: ${JSON.stringify(got)}`);
    if (!fits) throw new DemoFailed(`${field} is ${JSON.stringify(got)}, expected ${JSON.stringify(want)}`);
  }
};

/** What may have stopped a push: simulated faults, services that are not ready, and how far the push came. */
const explain = async (): Promise<readonly string[]> => [
  ...((await faultsOf(pushService).catch(() => undefined)) ?? []).map(describeFault),
  ...(await notReady(ops)),
  ...(countsBefore ? [describeProgress(countsBefore, await readHopCounts(ops))] : []),
];

const describeFault = (fault: object): string =>
  `the sandbox is simulating the fault ${JSON.stringify(fault)}; to end it: curl -X DELETE ${pushService}/sandbox/fault`;

const checkSandbox = async (): Promise<void> => {
  const faults = await faultsOf(pushService);
  if (!faults) throw new DemoFailed('push-service has credentials, so there is no sandbox phone to receive the push');
  for (const fault of faults) console.log(`Warning: ${describeFault(fault)}`);
};

const flow = async (): Promise<void> => {
  announce(`${alice.jid} creates the push node ${node} at ${components.push}`);
  const phone = await logIn(alice, 'phone');
  registered.add(pushNode);
  await expectResult(phone.iq('set', components.push, createNode(node)));

  announce(`${alice.jid} lets their own server, ${xmpp.domain}, publish to it`);
  await expectResult(phone.iq('set', components.push, setAffiliation(node, xmpp.domain, 'publish-only')));

  announce(`${alice.jid} enables push on their own server, for the phone ${deviceId}`);
  const options = { service: 'fcm', device_id: deviceId, mode: 'dev', click_action: 'open_chat' };
  registered.add(enabledPush);
  await expectResult(phone.iq('set', undefined, enable(components.push, node, options)));

  announce(`${alice.jid} goes offline`);
  await phone.close();

  announce(`${bob.jid} writes: "${greeting}"`);
  const desk = await logIn(bob, 'desk');
  countsBefore = await readHopCounts(ops);
  await desk.message(alice.jid, greeting);
  check(await waitForPush(pushService, deviceId, 1));

  announce(`${alice.jid} comes back and disables push for that node`);
  const again = await logIn(alice, 'phone');
  await expectResult(again.iq('set', undefined, disable(components.push, node)));
  registered.delete(enabledPush);
  await again.close();

  announce(`${bob.jid} writes again; no push should arrive`);
  await desk.message(alice.jid, 'Are you there?');
  const isSilent = await staysSilent(pushService, deviceId, 1);
  if (!isSilent) throw new DemoFailed('a push arrived although push is disabled');
  show('✓ the phone stays silent');

  announce(`${alice.jid} deletes the push node`);
  const last = await logIn(alice, 'phone');
  await expectResult(last.iq('set', components.push, deleteNode(node)));
  registered.delete(pushNode);
};

/** A session that is not closed keeps its user online for minutes. */
const closeAll = async (): Promise<void> => {
  await Promise.allSettled(open.splice(0).map((client) => client.close()));
};

/** Removes what the flow has left behind, and prints what may still be registered. */
const cleanUp = async (): Promise<void> => {
  await closeAll();
  if (registered.size === 0) return;
  const all = [...registered].toReversed();
  // With another resource, because a login as `phone` may be in progress.
  const left = await logIn(alice, 'cleanup').then(
    (phone) => removeAll(phone, all),
    (error: Error) => all.map(({ what }) => `${what}: ${error.message}`),
  );
  if (left.length === 0) console.error('Everything that the demo had registered was removed.');
  for (const each of left) console.error(`The demo may have left behind ${each}`);
};

if (claim(demoFile)) {
  console.error(
    "Another demo is running, and the two would keep each other's users online. Try again in a few seconds.",
  );
  process.exit(1);
}
const stopped = Promise.withResolvers<never>();
stopped.promise.catch(() => {}); // it may be rejected before anything awaits it
let isStopping = false;
let isImpatient = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    if (isImpatient) process.exit(1);
    isStopping = true;
    stopped.reject(new DemoFailed('it was interrupted'));
    // Ctrl-C arrives twice, from the terminal and through npm.
    setTimeout(() => (isImpatient = true), 1_500);
  });

const started = Date.now();
try {
  await checkSandbox();
  await Promise.race([flow(), stopped.promise]);
  console.log(
    `\nEverything worked, in ${((Date.now() - started) / 1000).toFixed(1)} s. The sandbox phones are at ${pushService}/`,
  );
} catch (error) {
  console.error(`\nThe demo failed: ${(error as Error).message}`);
  for (const why of isStopping ? [] : await explain()) console.error(`  ${why}`);
  process.exitCode = 1;
}
await cleanUp();
await closeAll();
rmSync(demoFile, { force: true });
process.exit();
