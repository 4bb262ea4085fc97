import { leases } from '@pushmesh/contracts';
import type { Bus, Lease } from '@pushmesh/bus';
import type { Log } from '@pushmesh/telemetry';
import { connectComponent } from '@pushmesh/xmpp';
import type { ComponentStream } from '@pushmesh/xmpp';
import type { ComponentConfig } from './config.ts';
import { hintOf } from './domain/stream-hints.ts';
import type { createAnswer } from './flow/answer.ts';
import { createIntake } from './flow/intake.ts';
import type { GatewayMetrics } from './metrics.ts';

type Deps = {
  readonly bus: Pick<Bus, 'lease' | 'ready'>;
  readonly answer: ReturnType<typeof createAnswer>;
  readonly maxInFlight: number;
  readonly maxStanzaBytes: number;
  readonly log: Log;
  readonly metrics: GatewayMetrics;
  /** The longest wait before a lost stream is tried again, milliseconds. */
  readonly reconnectCapMs: number;
  /** How long an exclusive stream may be offline before a gateway that stands by gets the lease, milliseconds. */
  readonly passMs: number;
};

const closeMs = 2_000;
/**
 * How long a stream that others share waits for NATS: a publish that came before it would be answered `wait`, and lost.
 * No longer, because ejabberd drops registrations while it knows no stream at all.
 */
const readyMs = 2_000;

/** One component name, and its stream whenever this replica may have it. A resource of the process. */
export const createComponentResource = (component: ComponentConfig, deps: Deps) => {
  const { bus, answer, maxInFlight, maxStanzaBytes, log, metrics, reconnectCapMs, passMs } = deps;
  const { name, service, secret, roles } = component;
  const labels = { component: name };
  let current: { readonly stream: ComponentStream; readonly intake: ReturnType<typeof createIntake> } | undefined;
  let lease: Lease | undefined;
  let draining = false;
  let why: string | undefined;
  /** A name is free for the next stream only when the last one is gone. */
  let closed: Promise<void> = Promise.resolve();
  metrics.streamUp.set(labels, 0);

  const open = (): void => {
    if (draining || current || lease?.isHeld() === false) return;
    let offlineSince = performance.now();
    const stream = connectComponent({
      service,
      domain: name,
      secret,
      limits: { maxStanzaBytes },
      timing: { backoffCapMs: reconnectCapMs },
      onStanza: (stanza) => intake.onStanza(stanza),
      onRefused: (head, error) => intake.onRefused(head, error.message),
      onHandlerError: (err) => log.error({ event: 'stanza-fault', component: name, err }),
      onState: (state, reason) => {
        const wasOnline = offlineSince === Number.POSITIVE_INFINITY;
        const hint = reason && hintOf(reason, component, wasOnline);
        // While it is tried again, it is still down for the last reason.
        if (reason) why = [reason.text, hint].filter(Boolean).join('; ');
        if (state === 'online') why = undefined;
        metrics.streamUp.set(labels, state === 'online' ? 1 : 0);
        if (state === 'online') offlineSince = Number.POSITIVE_INFINITY;
        else offlineSince = Math.min(offlineSince, performance.now());
        metrics.streamChanges.inc({ ...labels, state });
        log[state === 'waiting' ? 'warn' : 'info']({ event: 'stream', component: name, state, ...reason, hint });
        if (state === 'waiting' && isOffline()) pass(isOffline);
      },
    });
    const isOffline = () => current?.stream === stream && performance.now() - offlineSince >= passMs;
    const intake = createIntake({ host: name, roles, answer, maxInFlight, outlet: stream, log, metrics });
    current = { stream, intake };
  };
  /** Another gateway may reach the XMPP server. */
  const pass = (isWanted: () => boolean): void => {
    void lease?.pass(isWanted).then((isPassed) => {
      if (isPassed) log.warn({ event: 'lease-passed', component: name, why: `offline for ${passMs} ms` });
    });
  };
  const close = (): Promise<void> => {
    const closing = current;
    current = undefined;
    if (closing) {
      void closing.intake.drain();
      closed = closed.then(() => closing.stream.stop(closeMs));
    }
    return closed;
  };

  return {
    name: `component ${name}`,
    start: () => {
      if (component.stream === 'shared') void bus.ready(readyMs).then(open);
      else
        lease = bus.lease(
          leases.componentStream(name),
          () => {
            log.info({ event: 'lease-held', component: name });
            void closed.then(open);
          },
          () => {
            log.warn({ event: 'lease-lost', component: name });
            void close();
          },
        );
      return Promise.resolve();
    },
    // A replica that stands by is ready: it has nothing to do until the lease is free.
    missing: () => {
      if (lease && !lease.isHeld()) return undefined;
      const state = current?.stream.state() ?? 'not started';
      return state === 'online' ? undefined : `the stream to ${service} is ${state}${why ? ` (${why})` : ''}`;
    },
    // Nothing new is read; what was taken gets its answer before the stream closes.
    drain: async () => {
      draining = true;
      lease?.takeNoMore();
      await current?.intake.drain();
    },
    // The stream goes before the lease: the next holder must find the name free.
    stop: async () => {
      const last = current?.intake;
      await close();
      // The server had sent more before it read our end of the stream. That cannot be answered, but a push is stored.
      await Promise.all([lease?.release(), last?.drain()]);
    },
  };
};
