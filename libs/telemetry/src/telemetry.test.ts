import { Writable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { childTraceparent, createLog, createMetrics, createThrottle, newTraceparent, traceIdOf } from './index.ts';

describe('the log', () => {
  it('shows no token, secret or message text, one or two levels deep', () => {
    const lines: string[] = [];
    const sink = new Writable({ write: (chunk, _encoding, done) => (lines.push(String(chunk)), done()) });
    const log = createLog('gateway', 'debug', sink);
    log.info({
      event: 'x',
      deviceId: 'top-secret-1',
      delivery: { device_id: 'top-secret-2', summary: { lastMessageBody: 'top-secret-3' } },
    });
    log.info({
      event: 'y',
      request: { headers: { authorization: 'top-secret-4' } },
      options: { device: 'top-secret-5' },
    });
    const refused = Object.assign(new Error('WRONGPASS'), { command: { name: 'auth', args: ['top-secret-6'] } });
    log.warn({ event: 'z', err: refused });
    expect(lines).toHaveLength(3);
    expect(lines.join('')).not.toContain('top-secret');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ service: 'gateway', event: 'x', level: 'info' });
  });

  it('shows a hash instead of the name of a push node, which may be a device token', () => {
    const lines: string[] = [];
    const sink = new Writable({ write: (chunk, _encoding, done) => (lines.push(String(chunk)), done()) });
    const log = createLog('gateway', 'info', sink);
    for (const node of ['princely_musings', undefined]) log.info({ event: 'x', node });
    // printf %s princely_musings | sha256sum | cut -c1-12
    expect(lines.map((line) => (JSON.parse(line) as { node?: string }).node)).toEqual(['0d8cea02debd', undefined]);
  });
});

it('a throttle lets the first call through, then one per interval, with the number of calls since', () => {
  const emitted: number[] = [];
  const throttle = createThrottle(10_000);
  const now = vi.spyOn(performance, 'now');
  for (const at of [5, 6, 10_004, 10_005, 10_006, 30_000]) {
    now.mockReturnValue(at);
    throttle((times) => emitted.push(times));
  }
  now.mockRestore();
  expect(emitted).toEqual([1, 3, 2]);
});

describe('trace context', () => {
  it('keeps the trace id from hop to hop and changes the parent id', () => {
    const parent = newTraceparent();
    const child = childTraceparent(parent);
    expect(traceIdOf(child)).toBe(traceIdOf(parent));
    expect(child).not.toBe(parent);
    expect(child).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });
  it('begins a new trace when the parent is absent or malformed', () => {
    for (const parent of [undefined, '', '00-xyz-1-01']) expect(traceIdOf(childTraceparent(parent))).toHaveLength(32);
  });
});

describe('a group of metrics', () => {
  it('becomes live instruments, next to those of the process', async () => {
    const metrics = createMetrics('gateway');
    const { streamUp } = metrics.add({
      streamUp: { type: 'gauge', name: 'pushmesh_stream_up', help: '1 while it is online', labels: ['component'] },
    });
    streamUp.set({ component: 'push.localhost' }, 1);
    const text = await metrics.registry.metrics();
    expect(text).toContain('pushmesh_stream_up{component="push.localhost",service="gateway"} 1');
    expect(text).toContain('nodejs_eventloop_lag_seconds');
  });
});
