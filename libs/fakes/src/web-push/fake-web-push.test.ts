import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { expect, it } from 'vitest';
import { createFakeAuthority } from '../fake-authority.ts';
import { startFakeWebPush } from './fake-web-push.ts';

it('forgets the oldest subscription when there are too many', async () => {
  const { ca, issue } = createFakeAuthority();
  const fake = await startFakeWebPush({ certificate: issue('Web Push', ['localhost']), maxSubscriptions: 2 });
  for (const device of ['a', 'b', 'a', 'c']) fake.subscribe(device);
  const statusOf = async (device: string) => {
    const sent = request(`${fake.origin}/push/${device}`, { method: 'POST', ca }).end();
    const [{ statusCode }] = (await once(sent, 'response')) as [IncomingMessage];
    return statusCode;
  };
  const unauthorized = 401;
  expect(await Promise.all(['a', 'b', 'c', '%'].map(statusOf))).toEqual([unauthorized, 404, unauthorized, 404]);
  await fake.stop();
});
