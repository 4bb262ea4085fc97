import { sensitiveHeaders } from 'node:http2';
import type { ServerHttp2Stream } from 'node:http2';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { createFakeAuthority, startFaultyProxy } from '@pushmesh/fakes';
import type { ConnectionChange } from './connections.ts';
import { createHttp2Pool } from './pool.ts';
import type { Http2Answer, Http2PoolOptions } from './pool.ts';
import { ca, echo, startPeer, patiently } from '../../../testing/http2-peer.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const peer = async (...args: Parameters<typeof startPeer>) => {
  const started = await startPeer(...args);
  cleanups.push(started.close);
  return started;
};
const line = async (port: number) => {
  const created = await startFaultyProxy(port);
  cleanups.push(created.stop);
  return created;
};
const poolTo = (origin: string, more: Partial<Http2PoolOptions> = {}) => {
  const changes: ConnectionChange[] = [];
  const pool = createHttp2Pool({
    origin,
    connections: 1,
    queueLimit: 1_000,
    timeoutMs: 20_000,
    backoff: { firstMs: 10, maxMs: 50 },
    tls: { ca },
    onState: (change) => changes.push(change),
    ...more,
  });
  cleanups.push(() => pool.close(0));
  const post = (path: string, body = 'x') => pool.request({ path, headers: { 'x-h': 'v' }, body });
  return { pool, changes, post };
};
const paths = (count: number, prefix = '') => Array.from({ length: count }, (_, n) => `/${prefix}${n}`);
const statusOrFault = (answer: Http2Answer) => (answer.type === 'answer' ? answer.status : answer.fault);
const portOf = (answer: Http2Answer) => (answer.type === 'answer' ? answer.headers['x-port'] : undefined);
/** A handler that holds every request until it is released. */
const holding = () => {
  const held: { stream: ServerHttp2Stream; path: string; body: string }[] = [];
  return {
    held,
    handler: (stream: ServerHttp2Stream, body: string, path: string) => void held.push({ stream, body, path }),
    release: () => {
      for (const { stream, body, path } of held.splice(0)) echo(stream, body, path);
    },
  };
};

describe('requests and answers', () => {
  it('posts, and returns status, headers and body', async () => {
    const { origin } = await peer(echo);
    const { post, pool, changes } = poolTo(origin);
    expect(pool.connections()).toEqual({ connected: 0, disconnected: 0 });
    expect(await post('/a', 'täxt')).toMatchObject({
      type: 'answer',
      status: 200,
      headers: { 'x-path': '/a' },
      body: 'täxt',
    });
    expect(pool.connections()).toEqual({ connected: 1, disconnected: 0 });
    expect(changes).toEqual([{ type: 'connected' }]);
  });

  it('computes credentials when the request goes out, and keeps changing headers out of the header table', async () => {
    const server = await peer(echo);
    const { pool } = poolTo(server.origin, { neverIndexed: ['x-id'] });
    let authorization = 'old';
    const answer = pool.request({
      path: '/a',
      headers: { 'x-id': '1' },
      credentials: () => ({ authorization }),
      body: '',
    });
    authorization = 'new';
    expect(await answer).toMatchObject({ status: 200 });
    expect(server.headers[0]).toMatchObject({ authorization: 'new', 'x-id': '1' });
    expect((server.headers[0] as Record<symbol, unknown>)[sensitiveHeaders]).toContain('x-id');
  });

  it('cuts off a body that is too long, and keeps the connection', async () => {
    const { origin } = await peer(echo);
    const { post } = poolTo(origin, { maxBodyBytes: 10 });
    const long = await post('/a', 'y'.repeat(50_000));
    expect(long).toMatchObject({ status: 200, body: 'y'.repeat(10) });
    expect(portOf(await post('/b'))).toBe(portOf(long));
  });

  it('rejects headers that cannot be sent, and only those', async () => {
    const { origin } = await peer(echo);
    const { pool, post } = poolTo(origin);
    const bad = pool.request({ path: '/bad', headers: { connection: 'keep-alive' }, body: '' });
    const [, good] = await Promise.all([
      expect(bad).rejects.toMatchObject({ code: 'ERR_HTTP2_INVALID_CONNECTION_HEADERS' }),
      post('/good'),
    ]);
    expect(good).toMatchObject({ status: 200 });
  });

  it('ends a request at its deadline, and frees its stream', async () => {
    const { held, handler } = holding();
    const { origin } = await peer(handler);
    const { post } = poolTo(origin, { timeoutMs: 1_000 });
    expect(await post('/a')).toEqual({ type: 'fault', fault: 'request_timeout' });
    await expect.poll(() => held[0]?.stream.rstCode, patiently).toBe(8);
  });
});

describe('streams', () => {
  it('lets requests wait when the peer allows no more streams, and follows the limit up and down', async () => {
    const { held, handler, release } = holding();
    const server = await peer(handler, { maxConcurrentStreams: 3 });
    const { post } = poolTo(server.origin);
    const all = Promise.all(paths(20).map((path) => post(path)));
    await expect.poll(() => held.length, patiently).toBe(3);
    const [session] = server.sessions;
    await new Promise<void>((resolve) => session?.settings({ maxConcurrentStreams: 5 }, () => resolve()));
    await expect.poll(() => held.length, patiently).toBe(5);
    await new Promise<void>((resolve) => session?.settings({ maxConcurrentStreams: 1 }, () => resolve()));
    release();
    const most: number[] = [];
    await expect
      .poll(() => {
        most.push(held.length);
        release();
        return server.seen.length;
      }, patiently)
      .toBe(20);
    release();
    expect((await all).map(statusOrFault)).toEqual(paths(20).map(() => 200));
    expect(Math.max(...most)).toBe(1);
    expect(new Set(server.seen).size).toBe(20);
  });

  it('refuses only when the queue is full, and ends the wait at the deadline', async () => {
    const { handler } = holding();
    const server = await peer(handler, { maxConcurrentStreams: 1 });
    const { post } = poolTo(server.origin, { queueLimit: 2, timeoutMs: 2_000 });
    const flying = post('/flying');
    await expect.poll(() => server.seen.length, patiently).toBe(1);
    const waiting = [post('/1'), post('/2')];
    expect(await post('/3')).toEqual({ type: 'fault', fault: 'queue_full' });
    expect(await flying).toEqual({ type: 'fault', fault: 'request_timeout' });
    // The stream that timed out made room for the first waiting request.
    expect((await Promise.all(waiting)).map(statusOrFault)).toEqual(['request_timeout', 'request_timeout']);
  });

  it('opens another connection when the least loaded one is half full, and spreads the load', async () => {
    const { held, handler, release } = holding();
    const server = await peer(handler);
    const { post, pool } = poolTo(server.origin, { connections: 3, streamsPerConnection: 10 });
    const first = post('/first');
    await expect.poll(() => held.length, patiently).toBe(1);
    release();
    await first;
    const some = paths(4).map((path) => post(path));
    await expect.poll(() => held.length, patiently).toBe(4);
    expect(pool.connections().connected).toBe(1);
    const rest = paths(36, 'more').map((path) => post(path));
    const answers = Promise.all([...some, ...rest]);
    let done = false;
    void answers.then(() => (done = true));
    await expect.poll(() => (release(), done), patiently).toBe(true);
    expect((await answers).every((answer) => statusOrFault(answer) === 200)).toBe(true);
    expect(server.sessions.size).toBeGreaterThan(1);
  });

  it('opens one stream at a time until an answer proves the connection', async () => {
    const { held, handler } = holding();
    const server = await peer(handler);
    const { post } = poolTo(server.origin, { probeFirst: (answer) => answer.status === 200 });
    const all = paths(5).map((path) => post(path));
    await expect.poll(() => held.length, patiently).toBe(1);
    held[0]?.stream.respond({ ':status': 403 }, { endStream: true });
    await expect.poll(() => held.length, patiently).toBe(2);
    held[1]?.stream.respond({ ':status': 200 }, { endStream: true });
    await expect.poll(() => held.length, patiently).toBe(5);
    for (const { stream } of held.slice(2)) stream.respond({ ':status': 200 }, { endStream: true });
    expect((await Promise.all(all)).map(statusOrFault)).toEqual([403, 200, 200, 200, 200]);
  });
});

describe('GOAWAY and resets', () => {
  it('finishes what the peer accepted and sends the rest elsewhere, nothing twice', async () => {
    const { held, handler, release } = holding();
    const server = await peer(handler);
    const { post, changes } = poolTo(server.origin);
    const all = Promise.all(paths(6).map((path) => post(path)));
    await expect.poll(() => held.length, patiently).toBe(6);
    const accepted = held.slice(0, 3);
    const [old] = server.sessions;
    old?.goaway(0, accepted.at(-1)?.stream.id);
    // Streams above the last id are sent again over a new connection; the accepted ones stay on the old one.
    await expect.poll(() => held.length, patiently).toBe(9);
    expect(accepted.every(({ stream }) => !stream.destroyed)).toBe(true);
    release();
    expect((await all).map(statusOrFault)).toEqual(paths(6).map(() => 200));
    expect(server.seen.slice(0, 6)).toEqual(paths(6));
    expect(server.seen.slice(6).toSorted()).toEqual(['/3', '/4', '/5']);
    expect(new Set((await all).map(portOf)).size).toBe(2);
    expect(changes.map(({ type }) => type)).toEqual(['connected', 'goaway', 'connected']);
  });

  it('treats a GOAWAY with an error alike: streams above the last id are sent again, the others are lost', async () => {
    const { held, handler, release } = holding();
    const server = await peer(handler);
    const { post } = poolTo(server.origin);
    const all = Promise.all(paths(4).map((path) => post(path)));
    await expect.poll(() => held.length, patiently).toBe(4);
    const [old] = server.sessions;
    old?.goaway(2, held[1]?.stream.id, Buffer.from('{"reason":"InternalServerError"}'));
    await expect.poll(() => held.length, patiently).toBe(6);
    release();
    expect((await all).map(statusOrFault)).toEqual(['connection_lost', 'connection_lost', 200, 200]);
    expect(server.seen.slice(4).toSorted()).toEqual(['/2', '/3']);
  });

  it('sends a refused stream once more, not twice', async () => {
    let refusals = 0;
    const server = await peer((stream, body, path) => {
      if (path === '/always' || refusals++ === 0) return stream.close(7);
      echo(stream, body, path);
    });
    const { post } = poolTo(server.origin);
    expect(await post('/once')).toMatchObject({ status: 200 });
    expect(await post('/always')).toMatchObject({ fault: 'unable_to_connect', reason: 'refused' });
    expect(server.seen).toEqual(['/once', '/once', '/always', '/always']);
  });

  it('does not take a stream for unprocessed once its answer has begun', async () => {
    const server = await peer((stream, body, path) => {
      if (path !== '/begun') return echo(stream, body, path);
      stream.respond({ ':status': 200 });
      stream.write('ha', () => stream.session?.goaway(0, (stream.id ?? 0) - 2));
    });
    const { post } = poolTo(server.origin);
    await post('/a');
    expect(await post('/begun')).toEqual({ type: 'fault', fault: 'connection_lost' });
    expect(await post('/b')).toMatchObject({ status: 200 });
    expect(server.seen).toEqual(['/a', '/begun', '/b']);
  });

  it('never repeats a stream that was reset for another reason, and keeps the connection', async () => {
    const server = await peer((stream, body, path) => {
      if (path === '/reset') return stream.close(2);
      if (path !== '/half') return echo(stream, body, path);
      stream.respond({ ':status': 200 });
      stream.write('ha', () => stream.destroy(new Error('in the middle')));
    });
    const { post } = poolTo(server.origin);
    expect(await post('/reset')).toEqual({ type: 'fault', fault: 'connection_lost' });
    expect(await post('/half')).toEqual({ type: 'fault', fault: 'connection_lost' });
    expect(await post('/a')).toMatchObject({ status: 200 });
    expect(server.seen).toEqual(['/reset', '/half', '/a']);
    expect(server.sessions.size).toBe(1);
  });
});

describe('connections', () => {
  it('loses what is in flight when the connection dies, and recovers by itself', async () => {
    const { held, handler } = holding();
    const server = await peer((stream, body, path) =>
      path.startsWith('/held') ? handler(stream, body, path) : echo(stream, body, path),
    );
    const relay = await line(server.port);
    const { post, changes } = poolTo(relay.origin);
    await post('/a');
    const lost = post('/held');
    await expect.poll(() => held.length, patiently).toBe(1);
    relay.cut();
    expect(await lost).toEqual({ type: 'fault', fault: 'connection_lost' });
    expect(await post('/b')).toMatchObject({ status: 200 });
    expect(changes.map(({ type }) => type)).toEqual(['connected', 'lost', 'connected']);
    expect(server.seen).toEqual(['/a', '/held', '/b']);
  });

  it('answers at once when the peer refuses connections, and recovers when the peer does', async () => {
    const server = await peer(echo);
    const relay = await line(server.port);
    const { post, pool } = poolTo(relay.origin);
    await post('/a');
    await relay.refuse();
    await expect.poll(() => pool.connections().connected, patiently).toBe(0);
    expect(await post('/b')).toMatchObject({ fault: 'unable_to_connect', reason: 'ECONNREFUSED' });
    expect(pool.connections()).toEqual({ connected: 0, disconnected: 1 });
    await relay.restore();
    await expect.poll(() => pool.connections().connected, patiently).toBe(1);
    expect(await post('/c')).toMatchObject({ status: 200 });
    expect(server.seen).toEqual(['/a', '/c']);
  });

  it('reopens all of its connections after an outage', async () => {
    const { held, handler, release } = holding();
    const server = await peer((stream, body, path) =>
      path.startsWith('/held') ? handler(stream, body, path) : echo(stream, body, path),
    );
    const relay = await line(server.port);
    const { post, pool } = poolTo(relay.origin, { connections: 3, streamsPerConnection: 4 });
    await post('/a');
    const load = paths(12, 'held').map((path) => post(path));
    await expect.poll(() => (void post('/more'), pool.connections().connected), patiently).toBe(3);
    await expect.poll(() => held.length, patiently).toBe(12);
    release();
    await Promise.all(load);
    await relay.refuse();
    await expect.poll(async () => statusOrFault(await post('/b')), patiently).toBe('unable_to_connect');
    expect(pool.connections()).toEqual({ connected: 0, disconnected: 3 });
    await relay.restore();
    await expect.poll(() => pool.connections().connected, patiently).toBe(1);
    await expect.poll(() => (void post('/c'), pool.connections().connected), patiently).toBe(3);
  });

  it('notices a reset that coincides with its own writes', async () => {
    const { held, handler } = holding();
    const server = await peer((stream, body, path) =>
      path === '/again' ? echo(stream, body, path) : handler(stream, body, path),
    );
    const relay = await line(server.port);
    const { post, pool, changes } = poolTo(relay.origin, {
      connections: 3,
      streamsPerConnection: 4,
      timeoutMs: 1_500,
    });
    const load = paths(12).map((path) => post(path));
    await expect.poll(() => (void post('/more'), pool.connections().connected), patiently).toBe(3);
    await expect.poll(() => held.length, patiently).toBe(12);
    await Promise.all(load); // they time out: now they are cancelled, and others sent
    relay.cut();
    const lost = () => changes.filter(({ type }) => type === 'lost').length;
    await expect.poll(() => (void post('/again'), lost()), patiently).toBe(3);
    await expect.poll(() => (void post('/again'), pool.connections().connected), patiently).toBe(3);
  });

  it('continues after a recycle in the middle of connecting', async () => {
    const { origin } = await peer(echo);
    const { post, pool } = poolTo(origin);
    const early = post('/early');
    pool.recycle();
    expect(await early).toMatchObject({ status: 200 });
  });

  it('does not storm a peer that hangs up on arrival', async () => {
    const server = await peer(echo);
    const relay = await line(server.port);
    relay.hangUp(true);
    const { post, pool } = poolTo(relay.origin, { connections: 5, backoff: { firstMs: 60_000, maxMs: 60_000 } });
    const answers = await Promise.all(paths(20).map((path) => post(path)));
    expect(new Set(answers.map(statusOrFault))).toEqual(new Set(['unable_to_connect']));
    expect(relay.accepted()).toBe(1);
    relay.hangUp(false);
    pool.recycle();
    expect(await post('/b')).toMatchObject({ status: 200 });
  });

  it('does not trust an unknown certificate', async () => {
    const { origin } = await peer(echo);
    const { post } = poolTo(origin, { tls: {} });
    expect(await post('/a')).toMatchObject({
      fault: 'unable_to_connect',
      reason: expect.stringMatching(/SELF_SIGNED|UNABLE_TO/) as string,
    });
  });

  it('refuses a peer without HTTP/2, and does not wait for ever for a silent one', async () => {
    const listening = async (server: Server) => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      cleanups.push(() => server.close());
      return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    };
    const old = await listening(
      createTlsServer(createFakeAuthority().issue('old'), (socket) => socket.on('error', () => {})),
    );
    const verify = { rejectUnauthorized: false };
    expect(await poolTo(old, { tls: verify }).post('/a')).toMatchObject({
      fault: 'unable_to_connect',
      reason: 'no_h2',
    });
    const mute = await listening(createServer((socket) => socket.on('error', () => {})));
    expect(await poolTo(mute, { connectTimeoutMs: 50 }).post('/a')).toMatchObject({
      fault: 'unable_to_connect',
      reason: 'connect_timeout',
    });
    expect(await poolTo(mute, { timeoutMs: 50 }).post('/a')).toMatchObject({
      fault: 'unable_to_connect',
      reason: 'no_connection',
    });
  });

  it('closes a connection that has fallen silent, long before its requests would time out', async () => {
    const server = await peer(echo);
    const relay = await line(server.port);
    const { post, changes } = poolTo(relay.origin, { pingEveryMs: 100, pingTimeoutMs: 1_000 });
    await post('/a');
    relay.silence(true);
    expect(await post('/silent')).toEqual({ type: 'fault', fault: 'connection_lost' });
    relay.silence(false);
    expect(await post('/b')).toMatchObject({ status: 200 });
    expect(changes[1]).toEqual({ type: 'lost', why: 'ping_timeout' });
  });

  it('sends a PING when an answer does not come', async () => {
    const server = await peer(echo);
    const relay = await line(server.port);
    const { post, changes } = poolTo(relay.origin, { timeoutMs: 1_500, pingTimeoutMs: 500 });
    await post('/a');
    relay.silence(true);
    expect(await post('/silent')).toEqual({ type: 'fault', fault: 'request_timeout' });
    relay.silence(false);
    await expect.poll(() => changes.at(1), patiently).toEqual({ type: 'lost', why: 'ping_timeout' });
    await expect.poll(async () => statusOrFault(await post('/b')), patiently).toBe(200);
  });

  it('replaces an old connection without losing a request', async () => {
    const server = await peer(echo);
    const { post, changes } = poolTo(server.origin, { maxConnectionAgeMs: 100 });
    const answers: Http2Answer[] = [];
    await expect
      .poll(async () => {
        answers.push(...(await Promise.all(paths(5).map((path) => post(path)))));
        return changes.filter(({ type }) => type === 'retired').length;
      }, patiently)
      .toBeGreaterThan(2);
    expect(new Set(answers.map(statusOrFault))).toEqual(new Set([200]));
    expect(changes[2]).toEqual({ type: 'retired', why: 'age' });
  });

  it('finishes on the old connections and continues on new ones after a recycle', async () => {
    const { held, handler, release } = holding();
    const server = await peer(handler);
    const { post, pool } = poolTo(server.origin);
    const before = post('/before');
    await expect.poll(() => held.length, patiently).toBe(1);
    pool.recycle();
    const after = post('/after');
    await expect.poll(() => held.length, patiently).toBe(2);
    release();
    const answers = await Promise.all([before, after]);
    expect(answers.map(statusOrFault)).toEqual([200, 200]);
    expect(new Set(answers.map(portOf)).size).toBe(2);
    await expect.poll(() => server.sessions.size, patiently).toBe(1);
  });

  it('drops a connection after an answer that demands it', async () => {
    const server = await peer((stream, body, path) => {
      if (path !== '/poison') return echo(stream, body, path);
      stream.respond({ ':status': 429 }, { endStream: true });
    });
    const { post, changes } = poolTo(server.origin, { dropAfter: (answer) => answer.status === 429 });
    const first = portOf(await post('/a'));
    expect(await post('/poison')).toMatchObject({ status: 429 });
    const next = await post('/b');
    expect(next).toMatchObject({ status: 200 });
    expect(portOf(next)).not.toBe(first);
    expect(changes[1]).toEqual({ type: 'retired', why: 'dropped' });
  });
});

describe('close', () => {
  it('answers what it has, including what waits, and takes no more', async () => {
    const { held, handler, release } = holding();
    const server = await peer(handler, { maxConcurrentStreams: 1 });
    const { post, pool } = poolTo(server.origin);
    const all = Promise.all(paths(3).map((path) => post(path)));
    await expect.poll(() => held.length, patiently).toBe(1);
    const closed = pool.close(20_000);
    expect(await post('/late')).toMatchObject({ fault: 'unable_to_connect', reason: 'closed' });
    await expect.poll(() => (release(), server.seen.length), patiently).toBe(3);
    release();
    expect((await all).map(statusOrFault)).toEqual([200, 200, 200]);
    await closed;
    await expect.poll(() => server.sessions.size, patiently).toBe(0);
  });

  it('ends the rest at the deadline', async () => {
    const { held, handler } = holding();
    const server = await peer(handler, { maxConcurrentStreams: 1 });
    const { post, pool } = poolTo(server.origin);
    const all = Promise.all(paths(2).map((path) => post(path)));
    await expect.poll(() => held.length, patiently).toBe(1);
    await pool.close(50);
    expect((await all).map(statusOrFault)).toEqual(['connection_lost', 'unable_to_connect']);
  });
});
