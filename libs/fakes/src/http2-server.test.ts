import { once } from 'node:events';
import { connect } from 'node:http2';
import { afterEach, expect, it } from 'vitest';
import { startHttp2Server } from './http2-server.ts';
import { createFakeAuthority } from './fake-authority.ts';

/** As long as a busy machine may need. */
const patiently = { interval: 5, timeout: 20_000 };

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

it('accepts no stream after the last one that its GOAWAY names', async () => {
  const { ca, issue } = createFakeAuthority();
  const arrived: { path: string; isOver: boolean }[] = [];
  const fake = await startHttp2Server({
    tls: issue('fake'),
    host: '127.0.0.1',
    port: 0,
    maxConcurrentStreams: 100,
    reply: ({ path, isOver }) => {
      arrived.push({ path, isOver: isOver() });
      return { type: 'answer', status: 200 };
    },
  });
  cleanups.push(fake.stop);

  const goaway = async (): Promise<number> => {
    const session = connect(`https://127.0.0.1:${fake.port}`, { ca }).on('error', () => {});
    cleanups.push(() => session.destroy());
    const get = (path: string) =>
      session
        .request({ ':path': path })
        .on('error', () => {})
        .resume();
    await once(get('/first'), 'end');
    const gone = once(session, 'goaway') as Promise<[code: number, lastId: number]>;
    get('/late');
    // By then the request is written, and the server reads it before it sends the GOAWAY.
    setImmediate(() => fake.goaway());
    return (await gone)[1];
  };
  await expect
    .poll(async () => {
      expect(await goaway()).toBe(1);
      return arrived.filter(({ path }) => path === '/late').length;
    }, patiently)
    .toBeGreaterThan(0);
  for (const { path, isOver } of arrived) expect(isOver).toBe(path === '/late');
});
