import { choosePorts } from '@pushmesh/servers';
import { Agent, request } from 'node:http';
import type { BenchOptions, Figure } from './bench.ts';
import { load, used } from './measure.ts';
import { openStage } from './stage.ts';

const body = JSON.stringify({
  service: 'fcm',
  alert: {
    title: 'bob@localhost',
    body: 'Neither, fair saint, if either thee dislike.',
    badge: 1,
    tag: 'bob@localhost',
  },
});

/** Requests of the MongoosePush API against the sandbox. */
export const pushServiceBench = async (options: BenchOptions): Promise<readonly Figure[]> => {
  const stage = await openStage(options);
  const { http } = await choosePorts({ http: undefined }, options.report);
  const agent = new Agent({ keepAlive: true, maxSockets: 200 });
  const post = (index: number): Promise<boolean> =>
    new Promise((resolve) => {
      const call = request({
        agent,
        host: '127.0.0.1',
        port: http,
        method: 'POST',
        path: `/v3/notification/d${index % 500}`,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      });
      call.on('response', (response) => response.resume().on('end', () => resolve(response.statusCode === 200)));
      call.on('error', () => resolve(false));
      call.end(body);
    });
  try {
    const service = await stage.start('push-service', { HTTP_PORT: String(http) });
    const figures: Figure[] = [];
    await load(Math.round(3_000 * options.scale), 10, post);
    for (const callers of [1, 10, 100]) {
      const count = Math.round((callers === 1 ? 3_000 : 10_000) * options.scale);
      const measured = await used({ 'push-service': service.ops }, count, () => load(count, callers, post));
      figures.push({
        name: `push_service.requests_per_s (${callers} callers)`,
        run: measured.result,
        used: measured.used,
      });
    }
    return figures;
  } finally {
    agent.destroy();
    await stage.close();
  }
};
