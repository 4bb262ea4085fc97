import { once } from 'node:events';
import { connect } from 'node:http2';
import { afterEach, expect, it } from 'vitest';
import { patiently } from '../../../services/push-service/testing/http2-peer.ts';
import { createHttp2Fake } from './http2-server.ts';
import { createFakeAuthority } from './fake-authority.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

it('accepts nothing that came after what its GOAWAY names', async () => {
  const { ca, issue } = createFakeAuthority();
  const came: { path: string; isOver: boolean }[] = [];
  const fake = createHttp2Fake({
    tls: issue('fake'),
    host: '127.0.0.1',
    port: 0,
    maxConcurrentStreams: 100,
    reply: ({ path, isOver }) => {
      came.push({ path, isOver: isOver() });
      return { type: 'answer', status: 200 };
    },
  });
  await fake.start();
  cleanups.push(fake.stop);

  const goaway = async (): Promise<number> => {
    const session = connect(`https://127.0.0.1:${fake.port()}`, { ca }).on('error', () => {});
    cleanups.push(() => session.destroy());
    const get = (path: string) =>
      session
        .request({ ':path': path })
        .on('error', () => {})
        .resume();
    await once(get('/first'), 'end');
    const gone = once(session, 'goaway') as Promise<[code: number, lastId: number]>;
    get('/late');
    // By then it is written, and will be read before the GOAWAY is.
    setImmediate(() => fake.goaway());
    return (await gone)[1];
  };
  await expect
    .poll(async () => {
      expect(await goaway()).toBe(1);
      return came.filter(({ path }) => path === '/late').length;
    }, patiently)
    .toBeGreaterThan(0);
  for (const { path, isOver } of came) expect(isOver).toBe(path === '/late');
});
