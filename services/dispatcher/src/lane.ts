import { setTimeout as sleep } from 'node:timers/promises';
import { deliveryDurable, messages, resultsPerMessage, subjects } from '@pushmesh/contracts';
import type { Delivery, Mode, PushService, Result } from '@pushmesh/contracts';
import type { Bus, MessageContext } from '@pushmesh/bus';
import { traceIdOf } from '@pushmesh/telemetry';
import type { Log } from '@pushmesh/telemetry';
import { createCircuit } from './adapters/circuit.ts';
import type { CircuitState } from './adapters/circuit.ts';
import { createPushApiClient } from './adapters/push-api.ts';
import type { DispatcherConfig } from './config.ts';
import { toPushRequest } from './domain/request.ts';
import { isFailure, toVerdict } from './domain/verdict.ts';
import { createDeliver } from './flow/deliver.ts';
import type { PushApi, Verdict } from './ports.ts';
import type { DispatcherMetrics } from './metrics.ts';

type Deps = {
  readonly bus: Bus;
  readonly config: DispatcherConfig;
  readonly log: Log;
  readonly metrics: DispatcherMetrics;
};

/** A lane's dependencies, with the labels of its metrics and log lines. */
type Lane = Deps & { readonly labels: { readonly push_service: PushService; readonly mode: Mode } };

/**
 * One lane: the deliveries of one push service and mode, with its own durable, circuit and connection pool, so that
 * trouble in one lane holds up no other.
 */
export const openLane = (service: PushService, mode: Mode, deps: Deps) => {
  const lane: Lane = { ...deps, labels: { push_service: service, mode } };
  const { bus, config } = deps;
  const client = openClient(lane);
  const lockout = createLockoutNotice(lane);
  const circuit = createCircuit(createSend(client, lockout, lane), isFailure, held, {
    name: `${service}-${mode}`,
    volume: config.BREAKER_VOLUME,
    errorPercent: config.BREAKER_ERROR_PERCENT,
    resetMs: config.BREAKER_RESET_MS,
  });
  const deliver = createLaneDeliver({ send: circuit.call }, lane);
  const deliveries = bus.consume({
    durable: deliveryDurable(service, mode),
    message: messages.delivery,
    concurrency: config.CONCURRENCY,
    beganAt: ({ acceptedAt }) => acceptedAt,
    handle: (delivery, context) => {
      logTaken(delivery, context, lane);
      return deliver(delivery, context);
    },
  });
  limitByCircuit(circuit, deliveries, lane);

  return {
    missing: lockout.missing,
    close: async (): Promise<void> => {
      circuit.shutdown();
      await client.close();
    },
  };
};

const held: Verdict = { outcome: 'held', reason: 'circuit open' };

type Client = ReturnType<typeof createPushApiClient>;

const openClient = ({ config, log, labels }: Lane): Client =>
  createPushApiClient({
    url: config.PUSH_API_URL,
    timeoutMs: config.PUSH_API_TIMEOUT_MS,
    connections: config.CONCURRENCY,
    ca: config.PUSH_API_CA,
    verify: config.PUSH_API_TLS_VERIFY,
    ...(config.PUSH_API_TOKEN !== undefined && { token: config.PUSH_API_TOKEN }),
    ...(config.certificate && { certificate: config.certificate }),
    onNotTaken: (status) =>
      log.warn({
        event: 'one-by-one',
        ...labels,
        why: `the push API says that it takes several notifications at once, but it answered ${status} to them`,
      }),
  });

type LockoutNotice = ReturnType<typeof createLockoutNotice>;

/**
 * Logs once that the push API does not let us in, and shows it on `/readyz` until it does, or until nothing was sent for
 * some time: another replica may have the delivery.
 */
const createLockoutNotice = ({ config, log, labels }: Lane) => {
  let missing: string | undefined;
  let notedAt = 0;
  return {
    note: ({ lockedOutBy, reason }: Verdict): void => {
      const next = lockedOutBy && `the push API does not let us in (${reason}): look at ${lockedOutBy}`;
      notedAt = performance.now();
      if (next === missing) return;
      missing = next;
      if (next) log.error({ event: 'locked-out', ...labels, why: next });
      else log.info({ event: 'let-in', ...labels });
    },
    missing: (): string | undefined => (performance.now() - notedAt < 2 * config.RETRY_CAP_MS ? missing : undefined),
  };
};

const createSend = (client: Client, lockout: LockoutNotice, { config, labels, metrics }: Lane): PushApi['send'] => {
  const style = {
    version: config.PUSH_API_VERSION,
    fcmDev: config.PUSH_API_FCM_DEV,
    fallbackText: config.FALLBACK_TEXT,
  };
  return async (delivery, traceparent) => {
    const started = performance.now();
    const answer = await client.post(toPushRequest(delivery, style, Date.now()), traceparent);
    const verdict = toVerdict(answer, delivery);
    if (verdict.lockedOutBy !== undefined || !('fault' in answer)) lockout.note(verdict);
    const seconds = (performance.now() - started) / 1000;
    metrics.pushApiSeconds.observe({ push_service: labels.push_service, outcome: verdict.outcome }, seconds);
    return verdict;
  };
};

const createLaneDeliver = (pushApi: PushApi, lane: Lane) => {
  const { bus, config } = lane;
  return createDeliver({
    pushApi,
    bus,
    recordDelivered: bus.batchPublisher(subjects.result('delivered'), messages.results, resultsPerMessage),
    clock: Date.now,
    random: Math.random,
    retry: {
      maxAttempts: config.MAX_ATTEMPTS,
      baseMs: config.RETRY_BASE_MS,
      capMs: config.RETRY_CAP_MS,
      holdMs: config.BREAKER_RESET_MS,
    },
    storeWaitsMs: [100, 250, 500, 1_000, 2_000, 4_000],
    sleep,
    onAttempt: (delivery, verdict, context) => recordAttempt(delivery, verdict, context, lane),
    onEnd: (delivery, result, context) => recordEnd(delivery, result, context, lane),
  });
};

const logTaken = ({ id, node, attempt }: Delivery, { traceparent }: MessageContext, { log, labels }: Lane): void => {
  const traceId = traceIdOf(traceparent);
  log.debug({ event: 'deliver', ...labels, delivery: id, node: node.node, attempt, traceId });
};

const recordAttempt = (
  { id, node: { node }, attempt }: Delivery,
  { outcome, reason }: Verdict,
  { traceparent }: MessageContext,
  { labels, log, metrics }: Lane,
): void => {
  metrics.outcomes.inc({ ...labels, outcome });
  if (outcome === 'delivered') return;
  const traceId = traceIdOf(traceparent);
  log.info({ event: 'attempt', ...labels, outcome, reason, delivery: id, node, attempt, traceId });
};

const recordEnd = (
  { id, node: { node }, acceptedAt }: Delivery,
  { end, outcome, reason, attempt, endedAt }: Result,
  { traceparent }: MessageContext,
  { labels, log, metrics }: Lane,
): void => {
  metrics.endedSeconds.observe({ push_service: labels.push_service, end }, (endedAt - acceptedAt) / 1000);
  const about = { delivery: id, node, attempt, traceId: traceIdOf(traceparent) };
  log[end === 'delivered' ? 'debug' : 'info']({ event: 'ended', ...labels, end, outcome, reason, ...about });
};

const gauge: Readonly<Record<CircuitState, number>> = { closed: 0, 'half-open': 1, open: 2 };

/** No delivery is taken while the circuit is open, and one while it is half open: opossum lets one call through then. */
const limitByCircuit = (
  circuit: { onState(listener: (state: CircuitState) => void): void },
  deliveries: ReturnType<Bus['consume']>,
  { config, labels, log, metrics }: Lane,
): void => {
  const inFlight: Readonly<Record<CircuitState, number>> = { closed: config.CONCURRENCY, 'half-open': 1, open: 0 };
  metrics.circuit.set(labels, gauge.closed);
  circuit.onState((state) => {
    metrics.circuit.set(labels, gauge[state]);
    log.warn({ event: 'circuit', ...labels, state });
    deliveries.limit(inFlight[state]);
  });
};
