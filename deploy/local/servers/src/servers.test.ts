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
import { converse } from './probe.ts';

const patience = 120_000;
const reported: string[] = [];
const report = (line: string) => void reported.push(line);

const freshFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'pushmesh-servers-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

/** Stops the server when the test is over, before its folder is removed. */
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

const stranger = async (): Promise<{ port: number; server: Server }> => {
  const server = await occupy(0);
  return { port: (server.address() as AddressInfo).port, server };
};

beforeEach(() => {
  // These tests are about servers of their own, even where the rest of the suite is given some.
  vi.stubEnv('NATS_URL', '');
  vi.stubEnv('REDIS_URL', '');
  reported.length = 0;
});
afterEach(() => void vi.unstubAllEnvs());

describe('prepareServers', () => {
  it('says how each server will be run', { timeout: 15 * 60_000 }, async () => {
    const hows = await prepareServers(['nats', 'redis', 'prosody', 'ejabberd'], { report });
    for (const how of Object.values(hows)) expect(how).toMatch(/^(local process \/|container |url from )/);
  });
});

describe('NATS', () => {
  it('answers, and comes back on its port after a crash', { timeout: patience }, async () => {
    const nats = await untilTheEnd(startNats({ dataDir: await freshFolder(), report }));
    const port = portOf(nats.url);
    expect(await converse(port, '', /^INFO .*\r\n/)).toContain('"jetstream":true');
    await nats.kill();
    expect(await isListening(port)).toBe(false);
    await nats.restart();
    expect(await converse(port, '', /^INFO .*\r\n/)).toContain('"jetstream":true');
    await nats.stop();
    expect(await isListening(port)).toBe(false);
    expect(reported).toEqual([]);
  });

  it('takes another port when the preferred one is occupied', { timeout: patience }, async () => {
    const { port } = await stranger();
    const nats = await untilTheEnd(startNats({ dataDir: await freshFolder(), port, report }));
    expect(portOf(nats.url)).not.toBe(port);
    expect(reported.join()).toContain(`NATS: port ${port} is in use`);
  });

  it('takes the preferred port when it is free', { timeout: patience }, async () => {
    const { port, server } = await stranger();
    server.close();
    await once(server, 'close');
    const nats = await untilTheEnd(startNats({ dataDir: await freshFolder(), port, report }));
    expect(portOf(nats.url)).toBe(port);
  });

  it('says so when its port was taken while it was down', { timeout: patience }, async () => {
    const nats = await untilTheEnd(startNats({ dataDir: await freshFolder(), report }));
    await nats.stop();
    await occupy(portOf(nats.url));
    await expect(nats.restart()).rejects.toThrow(/NATS did not start .*is already in use by somebody else/);
  });

  it('uses the server that the environment names, and leaves it alone', async () => {
    const { port } = await stranger();
    vi.stubEnv('NATS_URL', `nats://127.0.0.1:${port}`);
    const nats = await startNats({ dataDir: await freshFolder() });
    expect(nats).toMatchObject({ how: 'url from NATS_URL', url: `nats://127.0.0.1:${port}` });
    await nats.stop();
    expect(await isListening(port)).toBe(true);
    await expect(nats.kill()).rejects.toThrow('cannot be killed');
  });

  it('says so when nothing answers at the address that the environment names', async () => {
    const { port, server } = await stranger();
    server.close();
    await once(server, 'close');
    vi.stubEnv('NATS_URL', `127.0.0.1:${port}`);
    await expect(startNats({ dataDir: await freshFolder() })).rejects.toThrow(/NATS_URL names .* ECONNREFUSED/);
  });
});

describe('Redis', () => {
  it('keeps what it acknowledged, through crash, restart and a new start', { timeout: patience }, async () => {
    const dataDir = await freshFolder();
    const redis = await untilTheEnd(startRedis({ dataDir, report }));
    const port = portOf(redis.url);
    // WAITAOF is younger than the oldest Redis that we run on; everysec means within the second.
    await converse(port, 'SET device alive\r\n', /^\+OK\r\n/);
    await sleep(1200);
    await redis.kill();
    expect(await isListening(port)).toBe(false);
    await redis.restart();
    await converse(port, 'GET device\r\n', /^\$5\r\nalive\r\n/);
    await redis.stop();
    expect(await isListening(port)).toBe(false);
    const again = await untilTheEnd(startRedis({ dataDir, port, report }));
    expect(again.url).toBe(redis.url);
    await converse(port, 'GET device\r\n', /^\$5\r\nalive\r\n/);
  });

  it('shows the end of its log when it cannot start', { timeout: patience }, async () => {
    const dataDir = await freshFolder();
    const first = await untilTheEnd(startRedis({ dataDir, report }));
    await first.stop();
    await rm(join(dataDir, 'appendonlydir'), { recursive: true });
    // A file where the server wants a folder.
    spawnSync('touch', [join(dataDir, 'appendonlydir')]);
    await expect(startRedis({ dataDir })).rejects.toThrow(/Redis did not start .*ended by itself[\s\S]*appendonlydir/);
  });

  it('is not started twice in one folder', { timeout: patience }, async () => {
    const dataDir = await freshFolder();
    const redis = await untilTheEnd(startRedis({ dataDir, report }));
    await expect(startRedis({ dataDir })).rejects.toThrow('Redis already runs in this folder');
    await converse(portOf(redis.url), 'PING\r\n', /^\+PONG/);
  });

  it('says when the server ended by itself', { timeout: patience }, async () => {
    const redis = await untilTheEnd(startRedis({ dataDir: await freshFolder(), report }));
    await converse(portOf(redis.url), 'SHUTDOWN\r\n', /./).catch(() => {});
    await vi.waitFor(() => expect(reported.join()).toMatch(/Redis: it ended by itself with exit status 0/), 5000);
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

  it('goes when the process that started it is killed', { timeout: patience }, async () => {
    const { starter, port } = await startElsewhere(await freshFolder());
    expect(await isListening(port)).toBe(true);
    starter.kill('SIGKILL');
    await vi.waitFor(async () => expect(await isListening(port)).toBe(false), 5000);
  });

  it('is ended by the next start in its folder if an earlier run left it behind', { timeout: patience }, async () => {
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
    expect(reported.join()).toMatch(/Redis: ending process \d+, left over from an earlier run/);
    expect(portOf(redis.url)).not.toBe(port);
    expect(await isListening(port)).toBe(false);
  });
});

const xmppServers = { Prosody: startProsody, ejabberd: startEjabberd };
const push = { name: 'push.localhost', secret: 'a "quoted" secret' };
const components = [push, { name: 'tap.localhost', secret: 'another' }];
const alice = { name: 'alice', password: 'back\\slash "quote"' };

describe.each(Object.entries(xmppServers))('%s', (_, startXmppServer) => {
  it('lets users and components in, also after a crash', { timeout: patience }, async () => {
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
    // On a busy machine a server may take longer than its deadline to stop, and is killed; that is told, and right.
    expect(reported.filter((line) => !line.includes('still there'))).toEqual([]);
  });

  it('takes other ports when the preferred are occupied, and new passwords', { timeout: patience }, async () => {
    const dataDir = await freshFolder();
    const { port } = await stranger();
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

  it('says so when a port was taken while it was down', { timeout: patience }, async () => {
    const server = await untilTheEnd(startXmppServer({ dataDir: await freshFolder(), components, report }));
    await server.stop();
    await occupy(server.componentPort);
    await expect(server.restart()).rejects.toThrow(/ did not start .*is already in use by somebody else/);
    expect(await isListening(server.c2sPort)).toBe(false);
  });

  it('calls a component that is not connected a passing trouble', { timeout: patience }, async () => {
    const dataDir = await freshFolder();
    // ejabberd does so only for a name that the machine can look up.
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
  it('does not start with a module that is not there', { timeout: patience }, async () => {
    const dataDir = await freshFolder();
    await expect(startProsody({ dataDir, components, modules: ['no_such_module'] })).rejects.toThrow(
      /Prosody did not start .*no_such_module/,
    );
  });

  it('runs with the settings of a test', { timeout: patience }, async () => {
    const settings = { pushMaxErrors: 3, resumeSeconds: 5, ackSeconds: 3, pushContent: false, config: 'x = 1' };
    const dataDir = await freshFolder();
    const server = await untilTheEnd(startProsody({ dataDir, users: [alice], components, report, ...settings }));
    expect(await logIn(server.c2sPort, alice)).toContain('alice@localhost/');
  });
});

describe('ejabberd', () => {
  it('does not start with a setting that does not exist', { timeout: patience }, async () => {
    const dataDir = await freshFolder();
    await expect(startEjabberd({ dataDir, components, config: { no_such_setting: 1 } })).rejects.toThrow(
      /ejabberd did not start [\s\S]*no_such_setting/,
    );
  });

  it('runs with the settings of a test', { timeout: patience }, async () => {
    const settings = { resumeSeconds: 5, ackSeconds: 3, push: false, modules: { mod_last: {} } };
    const server = await untilTheEnd(startEjabberd({ dataDir: await freshFolder(), components, report, ...settings }));
    const answer = await fetch(`${server.apiUrl}/status`, { method: 'POST', body: '{}' });
    expect(answer.status).toBe(200);
  });
});

type Step = readonly [say: string, hear: RegExp];

/** Says each thing and waits for what is expected, in order; rejects with what came instead. */
const talk = async (port: number, next: (heard: string) => Step | undefined): Promise<string> => {
  const socket = createConnection({ host: '127.0.0.1', port }).setEncoding('utf8');
  let heard = '';
  let step = next(heard);
  try {
    if (step) socket.write(step[0]);
    for await (const text of socket.setTimeout(40_000, () => socket.destroy())) {
      heard += text;
      if (/<failure|<stream:error/.test(heard)) break;
      if (!step?.[1].test(heard)) continue;
      step = next(heard);
      if (!step) return heard;
      heard = '';
      socket.write(step[0]);
    }
    throw new Error(`expected ${step?.[1]}, heard ${heard}`);
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
  return talk(port, () => steps.shift());
};

const attach = (port: number, { name, secret }: { name: string; secret: string }) => {
  const digest = (id: string) =>
    createHash('sha1')
      .update(id + secret)
      .digest('hex');
  const steps: ((heard: string) => Step)[] = [
    () => [header('jabber:component:accept', name), /<stream:stream[^>]*>/],
    (heard) => [`<handshake>${digest(/\sid=['"]([^'"]*)/.exec(heard)?.[1] ?? '')}</handshake>`, /<handshake\s*\/>/],
  ];
  return talk(port, (heard) => steps.shift()?.(heard));
};
