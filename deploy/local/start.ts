// `npm start`: runs the whole mesh on this machine, ready to push. Ctrl-C stops what it started, and nothing else.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCommandLine } from '@pushmesh/config';
import { claim } from '@pushmesh/servers';
import { dataDir, endpointsFile, pidFile } from './data-dir.ts';
import { startMesh } from './mesh.ts';
import type { Mesh, XmppServerName } from './mesh.ts';

const server = readCommandLine({
  usage: 'Usage: npm start -- [--server prosody|ejabberd]   (default: prosody)',
  options: { server: { type: 'string', default: 'prosody' } },
  read: ({ server: name }, problems): XmppServerName => {
    if (name !== 'prosody' && name !== 'ejabberd') problems.push(`--server is "${name}"; expected prosody or ejabberd`);
    return name === 'ejabberd' ? name : 'prosody';
  },
});

const say = (line: string) => console.log(`  ${line}`);

/** Ctrl-C arrives twice, from the terminal and through npm. A signal that comes later means: do not wait any longer. */
const impatientAfterMs = 1_500;

let mesh: Mesh | undefined;
let stopping: number | undefined;
const stop = async (status: number): Promise<void> => {
  if (stopping !== undefined) {
    if (Date.now() - stopping > impatientAfterMs) process.exit(1);
    return;
  }
  stopping = Date.now();
  console.log('\nStopping …');
  rmSync(endpointsFile, { force: true });
  await mesh?.stop();
  rmSync(pidFile, { force: true });
  console.log('Stopped. The state is kept; `npm start` continues with it.');
  process.exit(status);
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(0));

const superviseMs = 500;
const restartCapMs = 30_000;

/** Restarts whatever exits, as Kubernetes would: at once, then after longer and longer waits if it keeps exiting. */
const supervise = async (running: Mesh): Promise<void> => {
  const all = Object.entries({ ...running.servers, ...running.services }).map(([name, each]) => ({
    name,
    each,
    waitMs: 0,
    notBefore: 0,
  }));
  while (stopping === undefined) {
    for (const one of all) {
      const now = Date.now();
      if (stopping !== undefined || (await one.each.ended()) === undefined || now < one.notBefore) continue;
      say(`${one.name} exited; restarting it`);
      await one.each.restart().catch((error: unknown) => say((error as Error).message));
      // After it has run for twice the longest wait, the waits start again from the shortest.
      const isSteady = now - one.notBefore > 2 * restartCapMs;
      one.waitMs = isSteady ? superviseMs : Math.min(restartCapMs, one.waitMs * 2);
      one.notBefore = Date.now() + one.waitMs * (0.5 + Math.random() / 2);
    }
    await new Promise((resolve) => setTimeout(resolve, superviseMs));
  }
};

/** Two meshes in one folder would fight over its state. */
const claimFolder = (): void => {
  mkdirSync(dataDir, { recursive: true });
  const other = claim(pidFile);
  if (!other) return;
  console.error(
    `pushmesh is already running here (npm start, process ${other.pid}). Stop it first, or use it: npm run demo`,
  );
  process.exit(1);
};

try {
  claimFolder();
} catch (error) {
  console.error(`npm start cannot keep its state in ${dataDir}: ${(error as Error).message}`);
  process.exit(1);
}
console.log(`Starting pushmesh with ${server === 'prosody' ? 'Prosody' : 'ejabberd'} …`);
try {
  mesh = await startMesh({
    dataDir,
    server,
    ports: {
      nats: 24_222,
      redis: 26_379,
      c2s: server === 'prosody' ? 25_222 : 25_223,
      component: server === 'prosody' ? 25_347 : 25_348,
      http: 28_080,
      gateway: 29_091,
      'pubsub-push': 29_092,
      dispatcher: 29_093,
      'push-service': 29_094,
    },
    report: say,
  });
} catch (error) {
  console.error(`\n${(error as Error).message}`);
  process.exit(1);
}
writeFileSync(endpointsFile, `${JSON.stringify(mesh.endpoints, null, 2)}\n`);

const { xmpp, components, phones, ops } = mesh.endpoints;
console.log(`
pushmesh is running. Next steps:

  npm run demo                 (in another terminal) the whole flow with real XMPP clients, narrated
  ${phones.padEnd(28)} the sandbox phones and what they receive, live

  XMPP clients                 ${xmpp.host}:${xmpp.port}, domain ${xmpp.domain}, no TLS
${xmpp.users.map(({ jid, password }) => `                               ${jid} / ${password}`).join('\n')}
  push component               ${components.push}
  health and metrics           (/readyz, /metrics)
${Object.entries(ops)
  .map(([name, url]) => `    ${name.padEnd(26)} ${url}`)
  .join('\n')}
  logs                         ${join(dataDir, 'services')}
  all endpoints                ${endpointsFile}

Ctrl-C stops it.`);
await supervise(mesh);
