import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createLog, createMetrics } from '@pushmesh/telemetry';
import { createOpsServer } from './ops-server.ts';

describe('the ops server', () => {
  it('says what is missing, stays live whatever is down, and is not ready while stopping', async () => {
    let missing: string | undefined = 'Redis is connecting';
    const ops = createOpsServer({
      host: '127.0.0.1',
      port: 0,
      log: createLog('t', 'silent'),
      metrics: createMetrics('t'),
      resources: [{ name: 'redis', missing: () => missing }],
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
    missing = undefined;
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
    let output = '';
    // The log is written by another thread, so its lines may come between any others.
    const all = () => output.trim().split('\n');
    const lines = () => all().filter((line) => !line.startsWith('{'));
    const logLines = () => all().filter((line) => line.startsWith('{'));
    let started: () => void = () => {};
    const running = new Promise<void>((resolve) => (started = resolve));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (lines().includes('running')) started();
    });
    await running;
    return { child, lines, logLines };
  };

  it('starts in order; on SIGTERM it drains all in reverse order, then stops all in reverse order, and exits with 0', async () => {
    const { child, lines } = await start();
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(lines()).toEqual(['start a', 'start b', 'running', 'stopping', 'drain b', 'drain a', 'stop b', 'stop a']);
  });

  it('stops the others when one fails to drain', async () => {
    const { child, lines } = await start('fail');
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(lines().slice(-2)).toEqual(['stop b', 'stop a']);
  });

  it('names in one line the variables of a port that is taken, and exits with 1', async () => {
    const other = createServer();
    await once(other.listen(0, '127.0.0.1'), 'listening');
    const { port } = other.address() as AddressInfo;
    const child = spawn(process.execPath, [script, 'taken', String(port)], { stdio: ['ignore', 'ignore', 'pipe'] });
    let output = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(output).toMatch(
      new RegExp(
        `^OPS_HOST, OPS_PORT: cannot listen on 127.0.0.1 port ${port} \\(EADDRINUSE\\): another program, or this one under another variable, .*\\n$`,
      ),
    );
    other.close();
  });

  it.each([
    ['hang', { event: 'stop-timeout', step: 'drain', resource: 'b', waitedMs: 200 }],
    ['crash', { event: 'crash-while-stopping', step: 'drain', resource: 'b', err: { message: 'a bug' } }],
  ])('exits by force when it has to, and logs the step and resource that were under way: %s', async (how, line) => {
    const { child, logLines } = await start(how);
    child.kill('SIGTERM');
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(JSON.parse(logLines().join())).toMatchObject(line);
  });
});
