import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AnswerTimeout, createExchange } from './exchange.ts';

/** Answers with the path of the request, after the milliseconds that the path begins with. */
const server = createServer((request, response) => {
  setTimeout(() => response.end(request.url), Number(request.url?.split('/')[1]));
});
let origin = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

it('gives each of many concurrent requests its own response, in any order, and ends those without one at their deadline', async () => {
  const exchange = createExchange(new Pool(origin, { connections: 60 }), 1_000);
  const paths = Array.from({ length: 60 }, (_each, index) => {
    const isSlow = index % 10 === 3;
    return { isSlow, path: `/${isSlow ? 60_000 : (index * 37) % 200}/${index}` };
  });
  const ends = await Promise.allSettled(paths.map(({ path }) => exchange.post({ path, body: '' })));
  for (const [index, end] of ends.entries()) {
    if (paths[index]?.isSlow) expect(end).toMatchObject({ reason: expect.any(AnswerTimeout) as unknown });
    else expect(end).toMatchObject({ value: { status: 200, body: paths[index]?.path } });
  }
  expect(await exchange.post({ path: '/0/again', body: '' })).toMatchObject({ body: '/0/again' });
});
