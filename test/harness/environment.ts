import { join } from 'node:path';
import { choosePorts, startNats, startRedis } from '@pushmesh/servers';
import { startService } from '../../deploy/local/service.ts';
import type { RunningService, ServiceName } from '../../deploy/local/service.ts';

export type EnvironmentOptions = { readonly dataDir: string; readonly report: (line: string) => void };

/** NATS, Redis and the services that a test or benchmark asks for. */
export type Environment = {
  readonly natsUrl: string;
  start(name: ServiceName, env: Readonly<Record<string, string>>): Promise<RunningService>;
  stop(): Promise<void>;
};

export const startEnvironment = async ({ dataDir, report }: EnvironmentOptions): Promise<Environment> => {
  const started: { stop(): Promise<void> }[] = [];
  const nats = await startNats({ dataDir: join(dataDir, 'nats') });
  started.push(nats);
  const redis = await startRedis({ dataDir: join(dataDir, 'redis') });
  started.push(redis);
  return {
    natsUrl: nats.url,
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
      const folder = join(dataDir, `services-${started.length}`);
      const service = await startService(name, folder, ops, { ...common, ...store, LOG_LEVEL: 'warn', ...env }, report);
      started.push(service);
      return service;
    },
    stop: async () => {
      for (const each of started.toReversed()) await each.stop();
    },
  };
};
