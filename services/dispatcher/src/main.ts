import { busOptionsOf, createBus } from '@pushmesh/bus';
import { orExit } from '@pushmesh/config';
import { modes, pushServices } from '@pushmesh/contracts';
import { runService } from '@pushmesh/lifecycle';
import { createLog, createMetrics } from '@pushmesh/telemetry';
import { readDispatcherConfig } from './config.ts';
import { openLane } from './lane.ts';
import { dispatcherMetrics } from './metrics.ts';

// configuration, log, metrics
const config = orExit(readDispatcherConfig);
const log = createLog('dispatcher', config.LOG_LEVEL);
const metrics = createMetrics('dispatcher');
const measure = metrics.add(dispatcherMetrics);

// NATS
const bus = createBus(busOptionsOf('dispatcher', config), log, metrics);

// one lane for each push service and mode
const lanes = pushServices.flatMap((service) =>
  modes.map((mode) => openLane(service, mode, { bus, config, log, metrics: measure })),
);

// lifecycle
const pushApi = {
  name: 'push-api',
  missing: () => lanes.map((lane) => lane.missing()).find((each) => each !== undefined),
  stop: async () => {
    await Promise.all(lanes.map((lane) => lane.close()));
  },
};
await runService({ log, metrics, config, resources: [bus, pushApi] });
