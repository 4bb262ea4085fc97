import { setTimeout as sleep } from 'node:timers/promises';
import { deliveryDurable, messages, resultsPerMessage, subjects } from '@pushmesh/contracts';
import type { Delivery, Mode, PushService } from '@pushmesh/contracts';
import type { Bus } from '@pushmesh/bus';
import { traceIdOf } from '@pushmesh/telemetry';
import type { Log } from '@pushmesh/telemetry';
import { createCircuit } from './adapters/circuit.ts';
import type { CircuitState } from './adapters/circuit.ts';
import { createPushApiClient } from './adapters/push-api.ts';
import type { DispatcherConfig } from './config.ts';
import { toPushRequest } from './domain/request.ts';
import { isFailure, toVerdict } from './domain/verdict.ts';
import { createDeliver } from './flow/deliver.ts';
import type { Verdict } from './ports.ts';
import type { DispatcherMetrics } from './metrics.ts';

type Deps = {
  readonly bus: Bus;
  readonly config: DispatcherConfig;
  readonly log: Log;
  readonly metrics: DispatcherMetrics;
};

/**
 * One lane: the deliveries of one push service and mode, with a durable, a circuit and a connection pool of their own,
 * so that trouble with one of them holds no other up.
 */
export const openLane = (service: PushService, mode: Mode, { bus, config, log, metrics }: Deps) => {
  const labels = { push_service: service, mode };
  const client = createPushApiClient({
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
        why: `the push API takes several at once, but they were answered ${status}`,
      }),
  });
  const style = {
    version: config.PUSH_API_VERSION,
    fcmDev: config.PUSH_API_FCM_DEV,
    fallbackText: config.FALLBACK_TEXT,
  };
  const held: Verdict = { outcome: 'held', reason: 'circuit open' };

  let missing: string | undefined;
  let toldAt = 0;
  /** Said once, and on `/readyz` until we are let in, or have not asked for long: another replica may have the delivery. */
  const noteLockedOut = ({ lockedOutBy, reason }: Verdict): void => {
    const next = lockedOutBy && `the push API does not let us in (${reason}): look at ${lockedOutBy}`;
    toldAt = performance.now();
    if (next === missing) return;
    missing = next;
    if (next) log.error({ event: 'locked-out', ...labels, why: next });
    else log.info({ event: 'let-in', ...labels });
  };

  const send = async (delivery: Delivery, traceparent: string): Promise<Verdict> => {
    const started = performance.now();
    const answer = await client.post(toPushRequest(delivery, style, Date.now()), traceparent);
    const verdict = toVerdict(answer, delivery);
    if (verdict.lockedOutBy !== undefined || !('fault' in answer)) noteLockedOut(verdict);
    const seconds = (performance.now() - started) / 1000;
    metrics.pushApiSeconds.observe({ push_service: service, outcome: verdict.outcome }, seconds);
    return verdict;
  };

  // opossum lets one call through a half-open circuit: so one delivery is asked for, and none while it is open.
  const inFlightWhile: Readonly<Record<CircuitState, number>> = { closed: config.CONCURRENCY, 'half-open': 1, open: 0 };
  const gauge: Readonly<Record<CircuitState, number>> = { closed: 0, 'half-open': 1, open: 2 };
  const onCircuit = (state: CircuitState): void => {
    metrics.circuit.set(labels, gauge[state]);
    log.warn({ event: 'circuit', ...labels, state });
    deliveries.limit(inFlightWhile[state]);
  };
  const circuit = createCircuit(send, isFailure, held, {
    name: `${service}-${mode}`,
    volume: config.BREAKER_VOLUME,
    errorPercent: config.BREAKER_ERROR_PERCENT,
    resetMs: config.BREAKER_RESET_MS,
    onState: onCircuit,
  });

  const deliver = createDeliver({
    pushApi: { send: circuit.call },
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
    onAttempt: ({ id, node: { node }, attempt }, { outcome, reason }, { traceparent }) => {
      metrics.outcomes.inc({ ...labels, outcome });
      if (outcome === 'delivered') return;
      const traceId = traceIdOf(traceparent);
      log.info({ event: 'attempt', ...labels, outcome, reason, delivery: id, node, attempt, traceId });
    },
    onEnd: (delivery, result, { traceparent }) => {
      metrics.endedSeconds.observe(
        { push_service: service, end: result.end },
        (result.endedAt - delivery.acceptedAt) / 1000,
      );
      const { end, outcome, reason, attempt } = result;
      const about = { delivery: delivery.id, node: delivery.node.node, attempt, traceId: traceIdOf(traceparent) };
      log[end === 'delivered' ? 'debug' : 'info']({ event: 'ended', ...labels, end, outcome, reason, ...about });
    },
  });

  metrics.circuit.set(labels, gauge.closed);
  const deliveries = bus.consume({
    durable: deliveryDurable(service, mode),
    message: messages.delivery,
    concurrency: config.CONCURRENCY,
    beganAt: ({ acceptedAt }) => acceptedAt,
    handle: (delivery, context) => {
      const { id, node, attempt } = delivery;
      const traceId = traceIdOf(context.traceparent);
      log.debug({ event: 'deliver', ...labels, delivery: id, node: node.node, attempt, traceId });
      return deliver(delivery, context);
    },
  });

  return {
    missing: () => (performance.now() - toldAt < 2 * config.RETRY_CAP_MS ? missing : undefined),
    close: async (): Promise<void> => {
      circuit.shutdown();
      await client.close();
    },
  };
};
