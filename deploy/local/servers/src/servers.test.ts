import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { prepareServers, startEjabberd, startNats, startProsody, startRedis, type RunningServer } from './index.ts';
import { exchange } from './probe.ts';

const timeout = 120_000;
const reported: string[] = [];
const report = (line: string) => void reported.push(line);

const freshFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'pushmesh-servers-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

/** Stops the server at the end of the test, before its folder is removed. */
const untilTheEnd = async <S extends RunningServer>(starting: Promise<S>): Promise<S> => {
  const server = await starting;
  onTestFinished(() => server.stop());
  return server;
};

const portOf = (url: string): number => Number(new URL(url).port);

const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket
      .on('connect', () => {
        socket.destroy();
        resolve(true);
      })
      .on('error', () => resolve(false));
  });

const occupy = async (port: number): Promise<Server> => {
  const server = createServer((socket) => socket.on('error', () => {}).destroy());
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return server;
};

const occupyAnyPort = async (): Promise<{ port: number; server: Server }> => {
  const server = await occupy(0);
  return { port: (server.address() as AddressInfo).port, server };
};

beforeEach(() => {
  // These tests start their own servers, even if the environment names some for the rest of the suite.
  vi.stubEnv('NATS_URL', '');
  vi.stubEnv('REDIS_URL', '');
  reported.length = 0;
});
afterEach(() => void vi.unstubAllEnvs());

describe('prepareServers', () => {
  it('returns how each server will be run', { timeout: 15 * 60_000 }, async () => {
    const hows = await prepareServers(['nats', 'redis', 'prosody', 'ejabberd'], { report });
    for (const how of Object.values(hows)) expect(how).toMatch(/^(local process \/|container |url from )/);
  });
});

describe('NATS', () => {
  it('answers, and comes back on its port after a crash', { timeout }, async () => {
    const nats = await untilTheEnd(startNats({ dataDir: await freshFolder(), report }));
    const port = portOf(nats.url);
    expect(await exchange(port, '', /^INFO .*\r\n/)).toContain('"jetstream":true');
    await nats.kill();
    expect(await isListening(port)).toBe(false);
    await nats.restart();
    expect(await exchange(port, '', /^INFO .*\r\n/)).toContain('"jetstream":true');
    await nats.stop();
    expect(await isListening(port)).toBe(false);
    expect(reported).toEqual([]);
  });

  it('uses another port if the preferred one is in use', { timeout }, async () => {
    const { port } = await occupyAnyPort();
    const nats = await untilTheEnd(startNats({ dataDir: await freshFolder(), port, report }));
    expect(portOf(nats.url)).not.toBe(port);
    expect(reported.join()).toContain(`NATS: port ${port} is in use`);
  });

  it('uses the preferred port if it is free', { timeout }, async () => {
    const { port, server } = await occupyAnyPort();
    server.close();
    await once(server, 'close');
    const nats = await untilTheEnd(startNats({ dataDir: await freshFolder(), port, report }));
    expect(portOf(nats.url)).toBe(port);
  });

  it('reports that its port was taken while it was down', { timeout }, async () => {
    const nats = await untilTheEnd(startNats({ dataDir: await freshFolder(), report }));
    await nats.stop();
    await occupy(portOf(nats.url));
    await expect(nats.restart()).rejects.toThrow(/NATS did not start .*is already in use by another process/);
  });

  it('uses the server that the environment names, and leaves it alone', async () => {
    const { port } = await occupyAnyPort();
    vi.stubEnv('NATS_URL', `nats://127.0.0.1:${port}`);
    const nats = await startNats({ dataDir: await freshFolder() });
    expect(nats).toMatchObject({ how: 'url from NATS_URL', url: `nats://127.0.0.1:${port}` });
    await nats.stop();
    expect(await isListening(port)).toBe(true);
    await expect(nats.kill()).rejects.toThrow('cannot be killed');
  });

  it('reports that nothing answers at the address that the environment names', async () => {
    const { port, server } = await occupyAnyPort();
    server.close();
    await once(server, 'close');
    vi.stubEnv('NATS_URL', `127.0.0.1:${port}`);
    await expect(startNats({ dataDir: await freshFolder() })).rejects.toThrow(/NATS_URL names .* ECONNREFUSED/);
  });
});

describe('Redis', () => {
  it('keeps what it acknowledged through a crash, a restart and a new start', { timeout }, async () => {
    const dataDir = await freshFolder();
    const redis = await untilTheEnd(startRedis({ dataDir, report }));
    const port = portOf(redis.url);
    // The oldest supported Redis does not have WAITAOF; `everysec` means within a second.
    await exchange(port, 'SET device alive\r\n', /^\+OK\r\n/);
    await sleep(1200);
    await redis.kill();
    expect(await isListening(port)).toBe(false);
    await redis.restart();
    await exchange(port, 'GET device\r\n', /^\$5\r\nalive\r\n/);
    await redis.stop();
    expect(await isListening(port)).toBe(false);
    const again = await untilTheEnd(startRedis({ dataDir, port, report }));
    expect(again.url).toBe(redis.url);
    await exchange(port, 'GET device\r\n', /^\$5\r\nalive\r\n/);
  });

  it('shows the end of its log if it cannot start', { timeout }, async () => {
    const dataDir = await freshFolder();
    const first = await untilTheEnd(startRedis({ dataDir, report }));
    await first.stop();
    await rm(join(dataDir, 'appendonlydir'), { recursive: true });
    // A file where the server wants a folder.
    spawnSync('touch', [join(dataDir, 'appendonlydir')]);
    await expect(startRedis({ dataDir })).rejects.toThrow(/Redis did not start .*exited by itself[\s\S]*appendonlydir/);
  });

  it('is not started twice in one folder', { timeout }, async () => {
    const dataDir = await freshFolder();
    const redis = await untilTheEnd(startRedis({ dataDir, report }));
    await expect(startRedis({ dataDir })).rejects.toThrow('Redis is already running in this folder');
    await exchange(portOf(redis.url), 'PING\r\n', /^\+PONG/);
  });

  it('reports that the server exited by itself', { timeout }, async () => {
    const redis = await untilTheEnd(startRedis({ dataDir: await freshFolder(), report }));
    await exchange(portOf(redis.url), 'SHUTDOWN\r\n', /./).catch(() => {});
    await vi.waitFor(() => expect(reported.join()).toMatch(/Redis: it exited by itself with status 0/), 5000);
  });

  const startElsewhere = async (dataDir: string) => {
    const library = fileURLToPath(new URL('./index.ts', import.meta.url));
    const script = `
      const { startRedis } = await import(${JSON.stringify(library)});
      console.log((await startRedis({ dataDir: ${JSON.stringify(dataDir)} })).url);
      setInterval(() => {}, 1000);`;
    const starter = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void starter.kill('SIGKILL'));
    const [url] = await once(starter.stdout.setEncoding('utf8'), 'data');
    return { starter, port: portOf(String(url).trim()) };
  };

  it('stops when the process that started it is killed', { timeout }, async () => {
    const { starter, port } = await startElsewhere(await freshFolder());
    expect(await isListening(port)).toBe(true);
    starter.kill('SIGKILL');
    await vi.waitFor(async () => expect(await isListening(port)).toBe(false), 5000);
  });

  it('is stopped by the next start in its folder if an earlier run left it behind', { timeout }, async () => {
    const dataDir = await freshFolder();
    const { starter, port } = await startElsewhere(dataDir);
    const { stdout } = spawnSync('ps', ['-e', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' });
    const watchers = stdout.split('\n').map((line) => line.trim().split(/\s+/));
    for (const [pid, parent, command] of watchers) {
      if (Number(parent) === starter.pid && command === '/bin/sh') process.kill(Number(pid), 'SIGKILL');
    }
    starter.kill('SIGKILL');
    await once(starter, 'exit');
    expect(await isListening(port)).toBe(true);
    const redis = await untilTheEnd(startRedis({ dataDir, report }));
    expect(reported.join()).toMatch(/Redis: stopping process \d+, left over from an earlier run/);
    expect(portOf(redis.url)).not.toBe(port);
    expect(await isListening(port)).toBe(false);
  });
});

const xmppServers = { Prosody: startProsody, ejabberd: startEjabberd };
const push = { name: 'push.localhost', secret: 'a "quoted" secret' };
const components = [push, { name: 'tap.localhost', secret: 'another' }];
const alice = { name: 'alice', password: 'back\\slash "quote"' };

describe.each(Object.entries(xmppServers))('%s', (_, startXmppServer) => {
  it('accepts users and components, after a crash too', { timeout }, async () => {
    const dataDir = await freshFolder();
    const users = [alice, { name: 'bób.o', password: 'pass' }];
    const server = await untilTheEnd(startXmppServer({ dataDir, users, components, report }));
    const { c2sPort, componentPort } = server;
    for (const user of users) await logIn(c2sPort, user);
    for (const component of components) await attach(componentPort, component);
    await expect(attach(componentPort, { ...push, secret: 'wrong' })).rejects.toThrow('not-authorized');

    await server.kill();
    expect(await isListening(c2sPort)).toBe(false);
    await server.restart();
    for (const user of users) await logIn(c2sPort, user);
    await server.stop();
    expect(await isListening(c2sPort)).toBe(false);
    expect(await isListening(componentPort)).toBe(false);
    // On a busy machine a server may miss its deadline to stop, and is killed; it is right to report that.
    expect(reported.filter((line) => !line.includes('still running'))).toEqual([]);
  });

  it('uses other ports if the preferred ones are in use, and accepts new passwords', { timeout }, async () => {
    const dataDir = await freshFolder();
    const { port } = await occupyAnyPort();
    const first = await untilTheEnd(
      startXmppServer({ dataDir, users: [alice], components, ports: { c2s: port }, report }),
    );
    expect(first.c2sPort).not.toBe(port);
    await first.stop();
    const changed = { ...alice, password: 'changed' };
    const second = await untilTheEnd(
      startXmppServer({ dataDir, users: [changed], components, ports: { component: port }, report }),
    );
    expect(second.componentPort).not.toBe(port);
    await logIn(second.c2sPort, changed);
    await expect(logIn(second.c2sPort, alice)).rejects.toThrow('not-authorized');
  });

  it('reports that a port was taken while it was down', { timeout }, async () => {
    const server = await untilTheEnd(startXmppServer({ dataDir: await freshFolder(), components, report }));
    await server.stop();
    await occupy(server.componentPort);
    await expect(server.restart()).rejects.toThrow(/ did not start .*is already in use by another process/);
    expect(await isListening(server.c2sPort)).toBe(false);
  });

  it('answers for a component that is not connected with a temporary error', { timeout }, async () => {
    const dataDir = await freshFolder();
    // ejabberd does so only for a name that the machine can resolve.
    const absent = { name: '127.0.0.1', secret: 'unused' };
    const server = await untilTheEnd(startXmppServer({ dataDir, users: [alice], components: [absent], report }));
    const answer = await logIn(server.c2sPort, alice, [
      "<iq type='get' id='q' to='127.0.0.1'><ping xmlns='urn:xmpp:ping'/></iq>",
      /id=['"]q['"].*<error [^>]*>.*<\/iq>/s,
    ]);
    expect(answer).toMatch(/<error [^>]*type=['"]wait['"]/);
  });
});

describe('Prosody', () => {
  it('does not start with a module that does not exist', { timeout }, async () => {
    const dataDir = await freshFolder();
    await expect(startProsody({ dataDir, components, modules: ['no_such_module'] })).rejects.toThrow(
      /Prosody did not start .*no_such_module/,
    );
  });

  it('runs with the settings of a test', { timeout }, async () => {
    const settings = { pushMaxErrors: 3, resumeSeconds: 5, ackSeconds: 3, pushContent: false, config: 'x = 1' };
    const dataDir = await freshFolder();
    const server = await untilTheEnd(startProsody({ dataDir, users: [alice], components, report, ...settings }));
    expect(await logIn(server.c2sPort, alice)).toContain('alice@localhost/');
  });
});

describe('ejabberd', () => {
  it('does not start with a setting that does not exist', { timeout }, async () => {
    const dataDir = await freshFolder();
    await expect(startEjabberd({ dataDir, components, config: { no_such_setting: 1 } })).rejects.toThrow(
      /ejabberd did not start [\s\S]*no_such_setting/,
    );
  });

  it('runs with the settings of a test', { timeout }, async () => {
    const settings = { resumeSeconds: 5, ackSeconds: 3, push: false, modules: { mod_last: {} } };
    const server = await untilTheEnd(startEjabberd({ dataDir: await freshFolder(), components, report, ...settings }));
    const answer = await fetch(`${server.apiUrl}/status`, { method: 'POST', body: '{}' });
    expect(answer.status).toBe(200);
  });
});

type Step = readonly [request: string, expected: RegExp];

/** Sends each request and waits for the expected answer, in order; rejects with the actual answer if it differs. */
const runSteps = async (port: number, next: (received: string) => Step | undefined): Promise<string> => {
  const socket = createConnection({ host: '127.0.0.1', port }).setEncoding('utf8');
  let received = '';
  let step = next(received);
  try {
    if (step) socket.write(step[0]);
    for await (const text of socket.setTimeout(40_000, () => socket.destroy())) {
      received += text;
      if (/<failure|<stream:error/.test(received)) break;
      if (!step?.[1].test(received)) continue;
      step = next(received);
      if (!step) return received;
      received = '';
      socket.write(step[0]);
    }
    throw new Error(`expected ${step?.[1]}, received ${received}`);
  } finally {
    socket.destroy();
  }
};

const header = (namespace: string, to: string) =>
  `<stream:stream xmlns='${namespace}' xmlns:stream='http://etherx.jabber.org/streams' to='${to}' version='1.0'>`;

const logIn = (port: number, { name, password }: { name: string; password: string }, ...more: Step[]) => {
  const proof = Buffer.from(`\0${name}\0${password}`).toString('base64');
  const steps: Step[] = [
    [header('jabber:client', 'localhost'), /<\/stream:features>/],
    [`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${proof}</auth>`, /<success/],
    [header('jabber:client', 'localhost'), /<\/stream:features>/],
    ["<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", /<jid>/],
    ...more,
  ];
  return runSteps(port, () => steps.shift());
};

const attach = (port: number, { name, secret }: { name: string; secret: string }) => {
  const digest = (id: string) =>
    createHash('sha1')
      .update(id + secret)
      .digest('hex');
  const steps: ((received: string) => Step)[] = [
    () => [header('jabber:component:accept', name), /<stream:stream[^>]*>/],
    (received) => [
      `<handshake>${digest(/\sid=['"]([^'"]*)/.exec(received)?.[1] ?? '')}</handshake>`,
      /<handshake\s*\/>/,
    ],
  ];
  return runSteps(port, (received) => steps.shift()?.(received));
};
