import { setTimeout as sleep } from 'node:timers/promises';
import { linesOfJson, maxRequestBytes, notificationsHeader, notificationsPerRequest } from '@pushmesh/contracts';
import type { AddressedNotification } from '@pushmesh/contracts';
import { fastify } from 'fastify';
import type { FastifyReply } from 'fastify';
import { afterEach, expect, it } from 'vitest';
import { createPushApiClient } from './push-api.ts';

// Several requests in one, if the push API says that it takes them.

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

type Several = (notifications: readonly AddressedNotification[], reply: FastifyReply) => unknown;

/** A push API that takes several at once if `several` is given, and a client that knows it. `calls`: how many in each request. */
const meet = async (several?: Several, timeoutMs = 5_000) => {
  const calls: number[] = [];
  const server = fastify({ forceCloseConnections: true });
  server.post('/:version/notification/:id', (_request, reply) => {
    calls.push(1);
    return (several ? reply.header(notificationsHeader, notificationsPerRequest) : reply).send({ reason: 'alone' });
  });
  server.post<{ Body: readonly AddressedNotification[] }>('/v3/notifications', (request, reply) => {
    calls.push(request.body.length);
    return several?.(request.body, reply);
  });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  cleanups.push(() => server.close());
  const notTaken: number[] = [];
  const client = createPushApiClient({
    url,
    timeoutMs,
    connections: 64,
    ca: undefined,
    verify: true,
    onNotTaken: (status) => notTaken.push(status),
  });
  cleanups.push(client.close);
  const post = (deviceId: string, version: 'v2' | 'v3' = 'v3', body = {}) =>
    client.post({ version, deviceId, body: { service: 'fcm', data: body } }, `trace of ${deviceId}`);
  await post('the first');
  calls.length = 0;
  return { post, calls, notTaken };
};

const line = (place: number, more: object = {}): string =>
  `${JSON.stringify({ place, status: 200, body: null, ...more })}\n`;
const inLines = (reply: FastifyReply): FastifyReply['raw'] => {
  reply.hijack();
  reply.raw.writeHead(200, { 'content-type': `${linesOfJson.toUpperCase()}; charset=utf-8` });
  return reply.raw;
};
const names = (count: number) => Array.from({ length: count }, (_each, index) => `phone ${index}`);
const alone = { status: 200, body: { reason: 'alone' } };

it('sends the requests of one turn in one, and gives each its own answer, in whatever order they arrive', async () => {
  let asked: readonly AddressedNotification[] = [];
  const { post, calls } = await meet((notifications, reply) => {
    asked = notifications;
    const gone = { status: 410, headers: { 'x-unregistered-at': '1700000000000' }, body: { reason: 'unregistered' } };
    inLines(reply).end(line(2) + line(0, gone) + line(1, { status: 429, headers: { 'retry-after': '2' } }));
  });
  expect(await Promise.all([post('a/b'), post('c'), post('d')])).toEqual([
    { status: 410, headers: { 'x-unregistered-at': '1700000000000' }, body: { reason: 'unregistered' } },
    { status: 429, headers: { 'retry-after': '2' }, body: null },
    { status: 200, headers: {}, body: null },
  ]);
  expect(asked[0]).toEqual({
    device_id: 'a/b',
    traceparent: 'trace of a/b',
    notification: { service: 'fcm', data: {} },
  });
  expect(calls).toEqual([3]);
});

it('sends a single request, and all of v2, the way MongoosePush takes them', async () => {
  const { post, calls } = await meet(() => expect.unreachable());
  expect(await post('a')).toMatchObject(alone);
  expect(await Promise.all(names(3).map((name) => post(name, 'v2')))).toMatchObject([alone, alone, alone]);
  expect(calls).toEqual([1, 1, 1, 1]);
});

it('sends each alone if the push API does not say that it takes several', async () => {
  const { post, calls } = await meet();
  await Promise.all(names(3).map((name) => post(name)));
  expect(calls).toEqual([1, 1, 1]);
});

it('puts no more requests into one than the limit', async () => {
  const { post, calls } = await meet((notifications, reply) =>
    inLines(reply).end(notifications.map((_each, place) => line(place)).join('')),
  );
  await Promise.all(names(notificationsPerRequest + 2).map((name) => post(name)));
  expect(calls).toEqual([notificationsPerRequest, 2]);
});

it('sends each alone if together they exceed what push-service reads', async () => {
  const { post, calls } = await meet(() => expect.unreachable());
  const half = { text: 'x'.repeat(maxRequestBytes / 2) };
  expect(await Promise.all([post('a', 'v3', half), post('b', 'v3', half)])).toMatchObject([alone, alone]);
  expect(calls).toEqual([1, 1]);
});

it('passes on each answer without waiting for the others', async () => {
  const slow = Promise.withResolvers<void>();
  const { post } = await meet(async (_notifications, reply) => {
    const response = inLines(reply);
    // In pieces that are not whole lines.
    response.write(line(1).slice(0, 5));
    await sleep(5);
    response.write(line(1).slice(5));
    await slow.promise;
    // The last line needs no line break.
    response.end(line(0).trimEnd());
  });
  const first = post('slow');
  expect(await post('fast')).toMatchObject({ status: 200 });
  slow.resolve();
  expect(await first).toMatchObject({ status: 200 });
});

it.each([
  ['ends', (response: FastifyReply['raw']) => response.end(), 'reset'],
  ['breaks off', (response: FastifyReply['raw']) => response.destroy(), 'reset'],
  ['stays silent', () => {}, 'timeout'],
] as const)('when the answer %s early, those that have theirs keep it', async (_what, end, fault) => {
  const { post } = await meet((_notifications, reply) => {
    const response = inLines(reply);
    response.write(line(1), () => setTimeout(end, 20, response));
  }, 500);
  expect(await Promise.all([post('a'), post('b')])).toEqual([{ fault }, { status: 200, headers: {}, body: null }]);
});

it('ignores lines that answer nothing, and second answers', async () => {
  const { post } = await meet((_notifications, reply) => {
    const strange = [
      '<html>',
      '{',
      'null',
      '[]',
      '{"place":0}',
      line(7),
      line(-1),
      line(0.5),
      line(0, { status: 'x' }),
    ];
    inLines(reply).end(`${strange.join('\n')}\n${line(0)}${line(0, { status: 503 })}`);
  });
  expect(await Promise.all([post('a'), post('b')])).toEqual([
    { status: 200, headers: {}, body: null },
    { fault: 'reset' },
  ]);
});

it.each([401, 408, 429, 502, 503, 504])('%i for the whole request is the answer to each', async (status) => {
  const { post, calls } = await meet((_notifications, reply) => reply.code(status).header('retry-after', '3').send({}));
  const each = { status, headers: { 'retry-after': '3' }, body: {} };
  expect(await Promise.all([post('a'), post('b')])).toMatchObject([each, each]);
  expect(calls).toEqual([2]);
});

it.each([200, 302, 400, 403, 404, 405, 413, 422, 500])(
  'sends each alone for a while when something answers %i to several',
  async (status) => {
    const { post, calls, notTaken } = await meet((_notifications, reply) => reply.code(status).send('a page'));
    expect(await Promise.all([post('a'), post('b')])).toMatchObject([alone, alone]);
    expect(await Promise.all([post('c'), post('d')])).toMatchObject([alone, alone]);
    expect(calls).toEqual([2, 1, 1, 1, 1]);
    expect(notTaken).toEqual([status]);
  },
);
