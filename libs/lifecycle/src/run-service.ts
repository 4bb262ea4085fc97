import type { Log, Metrics } from '@pushmesh/telemetry';
import { createOpsServer } from './ops-server.ts';
import { run } from './run.ts';
import type { Resource } from './run.ts';

type Service = {
  readonly log: Log;
  readonly metrics: Metrics;
  /** The variables of the group `ops` of `@pushmesh/config`, parsed. */
  readonly config: {
    readonly OPS_HOST: string;
    readonly OPS_PORT: number;
    readonly SHUTDOWN_DEADLINE_MS: number;
    readonly SHUTDOWN_DELAY_MS: number;
  };
  /** In the order in which they start. Together they decide whether the service is ready. */
  readonly resources: readonly Resource[];
};

/** Runs a service from start to exit ({@link run}): the ops server first, then the resources on which it reports. */
export const runService = async ({ log, metrics, config, resources }: Service): Promise<void> => {
  const ops = createOpsServer({ host: config.OPS_HOST, port: config.OPS_PORT, log, metrics, resources });
  await run({
    log,
    deadlineMs: config.SHUTDOWN_DEADLINE_MS,
    delayMs: config.SHUTDOWN_DELAY_MS,
    resources: [ops.resource, ...resources],
    onStopping: ops.markStopping,
  });
};
