import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createLog, createMetrics } from '@pushmesh/telemetry';
import { createOpsServer } from './index.ts';

describe('the ops server', () => {
  it('says what is missing, keeps alive whatever is away, and is not ready while stopping', async () => {
    let away: string | undefined = 'Redis is connecting';
    const ops = createOpsServer({
      host: '127.0.0.1',
      port: 0,
      log: createLog('t', 'silent'),
      metrics: createMetrics('t'),
      resources: [{ name: 'redis', missing: () => away }],
    });
    await ops.resource.start();
    const get = async (path: string) => {
      const response = await fetch(ops.address() + path);
      return { status: response.status, text: await response.text() };
    };
    expect(await get('/readyz')).toEqual({
      status: 503,
      text: '{"ready":false,"missing":{"redis":"Redis is connecting"}}',
    });
    expect((await get('/livez')).status).toBe(200);
    away = undefined;
    expect((await get('/readyz')).status).toBe(200);
    expect((await get('/metrics')).text).toContain('nodejs_eventloop_lag_seconds');
    ops.markStopping();
    expect(await get('/readyz')).toMatchObject({
      status: 503,
      text: expect.stringContaining('"stopping":true') as string,
    });
    await ops.resource.stop();
  });
});

describe('run', () => {
  const script = fileURLToPath(new URL('../testing/run-two.ts', import.meta.url));
  const start = async (...args: string[]) => {
    const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    // The log is written by another thread, so its lines may come between any others.
    const all = () => said.trim().split('\n');
    const lines = () => all().filter((line) => !line.startsWith('{'));
    const logged = () => all().filter((line) => line.startsWith('{'));
    let started: () => void = () => {};
    const running = new Promise<void>((resolve) => (started = resolve));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (lines().includes('running')) started();
    });
    await running;
    return { child, lines, logged };
  };

  it('starts in order; on SIGTERM drains all in reverse, then stops all in reverse, and exits 0', async () => {
    const { child, lines } = await start();
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(lines()).toEqual(['start a', 'start b', 'running', 'stopping', 'drain b', 'drain a', 'stop b', 'stop a']);
  });

  it('goes on stopping the others when one fails', async () => {
    const { child, lines } = await start('fail');
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(lines().slice(-2)).toEqual(['stop b', 'stop a']);
  });

  it('says in one line which variables name a port that is taken, and exits 1', async () => {
    const other = createServer();
    await once(other.listen(0, '127.0.0.1'), 'listening');
    const { port } = other.address() as AddressInfo;
    const child = spawn(process.execPath, [script, 'taken', String(port)], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(said).toMatch(
      new RegExp(
        `^OPS_HOST, OPS_PORT: cannot listen on 127.0.0.1 port ${port} \\(EADDRINUSE\\): another program, or this one under another variable, .*\\n$`,
      ),
    );
    other.close();
  });

  it.each([
    ['hang', { event: 'stop-timeout', step: 'drain', resource: 'b', waitedMs: 200 }],
    ['crash', { event: 'crash-while-stopping', step: 'drain', resource: 'b', err: { message: 'a bug' } }],
  ])('exits by force when it has to, and says what was being ended: %s', async (how, line) => {
    const { child, logged } = await start(how);
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(JSON.parse(logged().join())).toMatchObject(line);
  });
});
