import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { afterEach, expect, it } from 'vitest';
import { createLog } from '@pushmesh/telemetry';
import { connectRedis } from './connection.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Starts a server that answers everything with `answer` and closes the connection. */
const startServer = async (answer: string): Promise<number> => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => socket.end(answer));
  });
  cleanups.push(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};

it.each([
  [
    'a wrong password',
    '-WRONGPASS invalid username-password pair\r\n',
    'WRONGPASS: check the user and password in REDIS_URL',
  ],
  ['no password', '-NOAUTH Authentication required.\r\n', 'NOAUTH: check the user and password in REDIS_URL'],
  [
    'a server that is not Redis',
    'HTTP/1.1 400 Bad Request\r\n\r\n',
    'the server at this address is not Redis: check REDIS_URL',
  ],
  ['nothing listening', undefined, 'ECONNREFUSED'],
])('reports %s with address and reason, once per attempt, without the password', async (_what, answer, why) => {
  const port = answer === undefined ? 1 : await startServer(answer);
  const lines: string[] = [];
  const sink = new Writable({
    write: (line: Buffer, _encoding, done) => {
      lines.push(line.toString());
      done();
    },
  });
  const redis = connectRedis({
    url: `redis://:hunter2@127.0.0.1:${port}`,
    timeoutMs: 5_000,
    log: createLog('test', 'info', sink),
  });
  cleanups.push(redis.stop);
  await redis.start();
  const text = `Redis at 127.0.0.1:${port} is reconnecting (${why})`;
  await expect.poll(redis.missing, { timeout: 20_000 }).toBe(text);
  await expect.poll(() => lines.length, { timeout: 20_000 }).toBeGreaterThan(2);
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ event: 'redis-error', why });
  expect(lines.join('')).not.toContain('hunter2');
});
