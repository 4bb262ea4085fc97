import type { Log } from '@pushmesh/telemetry';
import { connectComponent } from '@pushmesh/xmpp';
import type { ComponentStream, DownReason, StreamState } from '@pushmesh/xmpp';
import type { ComponentConfig } from './config.ts';
import { hintOf } from './domain/stream-hints.ts';
import type { RequestHandler } from './flow/handle-request.ts';
import { createIntake } from './flow/intake.ts';
import type { GatewayMetrics } from './metrics.ts';

export type StreamDeps = {
  readonly handleRequest: RequestHandler;
  readonly maxInFlight: number;
  readonly maxStanzaBytes: number;
  readonly log: Log;
  readonly metrics: GatewayMetrics;
  /** The longest wait before a lost stream is tried again, milliseconds. */
  readonly reconnectCapMs: number;
  /** How long an exclusive stream may be offline before a standby gateway gets the lease, milliseconds. */
  readonly passMs: number;
};

/** A component stream and the intake that takes its stanzas. */
export type OpenStream = { readonly stream: ComponentStream; readonly intake: ReturnType<typeof createIntake> };

/** Opens a stream that keeps reconnecting, with its intake. */
export const openStream = (
  { name, service, secret, roles }: ComponentConfig,
  { handleRequest, maxInFlight, maxStanzaBytes, reconnectCapMs, log, metrics }: StreamDeps,
  onState: (state: StreamState, reason?: DownReason) => void,
): OpenStream => {
  const stream = connectComponent({
    service,
    domain: name,
    secret,
    limits: { maxStanzaBytes },
    timing: { backoffCapMs: reconnectCapMs },
    onStanza: (stanza) => intake.onStanza(stanza),
    onRefused: (head, error) => intake.onRefused(head, error.message),
    onHandlerError: (err) => log.error({ event: 'stanza-fault', component: name, err }),
    onState,
  });
  const intake = createIntake({ host: name, roles, handleRequest, maxInFlight, outlet: stream, log, metrics });
  return { stream, intake };
};

/** Follows the states of a component's streams, for metrics, the log and `/readyz`. */
export const createStreamStatus = (component: ComponentConfig, { log, metrics, passMs }: StreamDeps) => {
  const labels = { component: component.name };
  let offlineSince = Number.POSITIVE_INFINITY;
  let why: string | undefined;
  metrics.streamUp.set(labels, 0);

  return {
    /** Why the stream is down, also while it reconnects. */
    why: () => why,
    /** Offline for so long that another gateway may have the lease. */
    isOffline: () => performance.now() - offlineSince >= passMs,
    opened: () => {
      offlineSince = performance.now();
    },
    change: (state: StreamState, reason?: DownReason): void => {
      const wasOnline = offlineSince === Number.POSITIVE_INFINITY;
      const hint = reason && hintOf(reason, component, wasOnline);
      if (reason) why = [reason.text, hint].filter(Boolean).join('; ');
      if (state === 'online') why = undefined;
      metrics.streamUp.set(labels, state === 'online' ? 1 : 0);
      offlineSince = state === 'online' ? Number.POSITIVE_INFINITY : Math.min(offlineSince, performance.now());
      metrics.streamChanges.inc({ ...labels, state });
      log[state === 'waiting' ? 'warn' : 'info']({
        event: 'stream',
        component: component.name,
        state,
        ...reason,
        hint,
      });
    },
  };
};
