import { Agent, request } from 'node:http';
import type { PushService } from '@pushmesh/contracts';

/** About 170 bytes. */
const bodyFor = (service: PushService): string =>
  JSON.stringify({
    service,
    alert: {
      title: 'bob@localhost',
      body: 'Neither, fair saint, if either thee dislike.',
      badge: 1,
      tag: 'bob@localhost',
    },
  });

/** Calls the MongoosePush API on this port of the loopback, for one of 500 devices; true when it was answered with 200. */
export const createPushRequests = (port: number, service: PushService) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 200 });
  const body = bodyFor(service);
  return {
    post: (index: number): Promise<boolean> =>
      new Promise((resolve) => {
        const call = request({
          agent,
          host: '127.0.0.1',
          port,
          method: 'POST',
          path: `/v3/notification/d${index % 500}`,
          headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        });
        call.on('response', (response) => response.resume().on('end', () => resolve(response.statusCode === 200)));
        call.on('error', () => resolve(false));
        call.end(body);
      }),
    close: (): void => agent.destroy(),
  };
};
