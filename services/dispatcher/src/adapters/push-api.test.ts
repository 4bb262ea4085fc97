import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { fastify } from 'fastify';
import { afterEach, expect, it } from 'vitest';
import { createPushApiClient } from './push-api.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const onNotTaken = () => {};
const client = (url: string, timeoutMs = 5_000) => {
  const created = createPushApiClient({ url, timeoutMs, connections: 2, ca: undefined, verify: true, onNotTaken });
  cleanups.push(created.close);
  return created;
};
const request = { version: 'v3', deviceId: 't', body: { service: 'fcm', data: {} } } as const;

it('posts JSON with the trace context and returns status, headers and body', async () => {
  const server = fastify();
  cleanups.unshift(() => server.close());
  const seen: unknown[] = [];
  server.post('/base/v3/notification/:id', (req, reply) => {
    seen.push([req.headers['traceparent'], req.headers['content-type'], req.body]);
    return reply.code(429).header('retry-after', '2').send({ reason: 'too_many_requests' });
  });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  const answer = await client(`${url}/base/`).post(request, 'tp');
  expect(answer).toMatchObject({ status: 429, headers: { 'retry-after': '2' }, body: { reason: 'too_many_requests' } });
  expect(seen).toEqual([['tp', 'application/json', request.body]]);
});

it('has a word for every way in which there is no answer', async () => {
  const listen = async (onConnection: (socket: Socket) => void) => {
    const server = createServer(onConnection);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.unshift(() => server.close());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const resetting = await listen((socket) => socket.once('data', () => socket.resetAndDestroy()));
  const closing = await listen((socket) => socket.once('data', () => socket.end()));
  const silent = await listen((socket) => socket.on('error', () => {}));
  const endless = await listen((socket) => {
    socket.on('error', () => {});
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 900000\r\n\r\n${'x'.repeat(200_000)}`);
  });
  const dripping = await listen((socket) => {
    socket.on('error', () => {});
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 900000\r\n\r\n');
    const drip = setInterval(() => socket.write('x'), 50);
    socket.on('close', () => clearInterval(drip));
  });
  expect(await client(dripping, 300).post(request, 'tp')).toEqual({ fault: 'timeout' });
  expect(await client(resetting).post(request, 'tp')).toEqual({ fault: 'reset' });
  expect(await client(closing).post(request, 'tp')).toEqual({ fault: 'reset' });
  expect(await client(silent, 200).post(request, 'tp')).toEqual({ fault: 'timeout' });
  expect(await client('http://127.0.0.1:1').post(request, 'tp')).toEqual({ fault: 'refused' });
  expect(await client(endless).post(request, 'tp')).toHaveProperty('fault');
});
