import { busOptionsOf, createBus } from '@pushmesh/bus';
import { orExit } from '@pushmesh/config';
import { modes, pushServices } from '@pushmesh/contracts';
import { createOpsServer, run } from '@pushmesh/lifecycle';
import { createLog, createMetrics } from '@pushmesh/telemetry';
import { readDispatcherConfig } from './config.ts';
import { openLane } from './lane.ts';
import { dispatcherMetrics } from './metrics.ts';

// what we were told
const config = orExit(readDispatcherConfig);
const log = createLog('dispatcher', config.LOG_LEVEL);
const metrics = createMetrics('dispatcher');
const measure = metrics.add(dispatcherMetrics);

// the edges
const bus = createBus(busOptionsOf('dispatcher', config), log, metrics);

// the edges meet the middle: one lane for each push service and mode
const lanes = pushServices.flatMap((service) =>
  modes.map((mode) => openLane(service, mode, { bus, config, log, metrics: measure })),
);

// life
const pushApi = {
  name: 'push-api',
  missing: () => lanes.map((lane) => lane.missing()).find((each) => each !== undefined),
  stop: async () => {
    await Promise.all(lanes.map((lane) => lane.close()));
  },
};
const nats = { name: 'nats', missing: bus.missing, drain: bus.drain, stop: bus.close };
const ops = createOpsServer({ host: config.OPS_HOST, port: config.OPS_PORT, log, metrics, resources: [nats, pushApi] });
await run({
  log,
  deadlineMs: config.SHUTDOWN_DEADLINE_MS,
  delayMs: config.SHUTDOWN_DELAY_MS,
  resources: [ops.resource, nats, pushApi],
  onStopping: ops.markStopping,
});
