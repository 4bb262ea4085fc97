import { join } from 'node:path';
import { choosePorts, startNats, startRedis } from '@pushmesh/servers';
import { startService } from '../../deploy/local/service.ts';
import type { RunningService, ServiceName } from '../../deploy/local/service.ts';
import type { BenchOptions } from '../bench/bench.ts';

/** NATS, Redis and whichever services a benchmark asks for. */
export type Stage = {
  readonly natsUrl: string;
  readonly redisUrl: string;
  start(name: ServiceName, env: Readonly<Record<string, string>>): Promise<RunningService>;
  close(): Promise<void>;
};

export const openStage = async ({ dataDir, report }: BenchOptions): Promise<Stage> => {
  const opened: { stop(): Promise<void> }[] = [];
  const nats = await startNats({ dataDir: join(dataDir, 'nats') });
  opened.push(nats);
  const redis = await startRedis({ dataDir: join(dataDir, 'redis') });
  opened.push(redis);
  return {
    natsUrl: nats.url,
    redisUrl: redis.url,
    start: async (name, env) => {
      const { ops } = await choosePorts({ ops: undefined }, report);
      const common =
        name === 'push-service'
          ? {}
          : {
              NATS_URL: nats.url,
              ...(process.env['NODE_OPTIONS'] ? { NODE_OPTIONS: process.env['NODE_OPTIONS'] } : {}),
            };
      const store = name === 'pubsub-push' ? { REDIS_URL: redis.url } : {};
      const folder = join(dataDir, `services-${opened.length}`);
      const service = await startService(name, folder, ops, { ...common, ...store, LOG_LEVEL: 'warn', ...env }, report);
      opened.push(service);
      return service;
    },
    close: async () => {
      for (const each of opened.toReversed()) await each.stop();
    },
  };
};
