import { createAcceptPush } from '@pushmesh/acceptance';
import { busOptionsOf, createBus } from '@pushmesh/bus';
import { orExit } from '@pushmesh/config';
import { runService } from '@pushmesh/lifecycle';
import { createLog, createMetrics } from '@pushmesh/telemetry';
import { createComponentResource } from './component.ts';
import { readGatewayConfig } from './config.ts';
import { createRequestHandler } from './flow/handle-request.ts';
import { gatewayMetrics } from './metrics.ts';

// configuration, log, metrics
const config = orExit(readGatewayConfig);
const log = createLog('gateway', config.LOG_LEVEL);
const metrics = createMetrics('gateway');
const measure = metrics.add(gatewayMetrics);

// NATS
const bus = createBus(
  busOptionsOf('gateway', config, {
    maxPublishesInFlight: config.MAX_IN_FLIGHT * config.components.length,
    commandTimeoutMs: config.COMMAND_TIMEOUT_MS,
  }),
  log,
  metrics,
);

// requests
const acceptPush = createAcceptPush({
  bus,
  clock: Date.now,
  defaultTtlMs: config.PUSH_TTL_SECONDS * 1_000,
  maxPayloadBytes: config.MAX_PAYLOAD_BYTES,
  onUnverified: () => measure.unverified.inc(),
});
const handleRequest = createRequestHandler({ bus, acceptPush });

// A server that restarts must have its component back within seconds: while the component is away, registrations can die.
const reconnectCapMs = 5_000;
// A stream that stays offline for this long may come online from another gateway.
const passMs = 15_000;

// one stream for each component name
const components = config.components.map((component) =>
  createComponentResource(component, {
    bus,
    handleRequest,
    maxInFlight: config.MAX_IN_FLIGHT,
    maxStanzaBytes: config.XMPP_MAX_STANZA_BYTES,
    log,
    metrics: measure,
    reconnectCapMs,
    passMs,
  }),
);

// lifecycle
await runService({ log, metrics, config, resources: [bus, ...components] });
