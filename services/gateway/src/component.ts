import type { Log, MetricsOf, metricNames } from '@pushmesh/telemetry';
import { connectComponent } from '@pushmesh/xmpp';
import type { ComponentStream } from '@pushmesh/xmpp';
import type { ComponentConfig } from './config.ts';
import type { createAnswer } from './flow/answer.ts';
import { createIntake } from './flow/intake.ts';

type Deps = {
  readonly answer: ReturnType<typeof createAnswer>;
  readonly maxInFlight: number;
  readonly maxStanzaBytes: number;
  readonly log: Log;
  readonly metrics: MetricsOf<typeof metricNames.gateway>;
};

/** A server that restarts must find its component again within seconds: while it is away, registrations can die. */
const reconnectCapMs = 5_000;
const closeMs = 2_000;

/** One component name: its stream and its intake, as a resource of the process. */
export const createComponentResource = (component: ComponentConfig, deps: Deps) => {
  const { answer, maxInFlight, maxStanzaBytes, log, metrics } = deps;
  const { name, service, secret, roles } = component;
  const labels = { component: name };
  const intake = createIntake({ host: name, roles, answer, maxInFlight, log, metrics });
  let stream: ComponentStream | undefined;
  let why: string | undefined;
  metrics.streamUp.set(labels, 0);

  return {
    name: `component ${name}`,
    start: () => {
      const opened = connectComponent({
        service,
        domain: name,
        secret,
        limits: { maxStanzaBytes },
        timing: { backoffCapMs: reconnectCapMs },
        onStanza: (stanza) => intake.onStanza(stanza, opened),
        onRefused: (head, error) => intake.onRefused(head, error.condition, opened),
        onState: (state, reason) => {
          why = reason?.text;
          metrics.streamUp.set(labels, state === 'online' ? 1 : 0);
          metrics.streamChanges.inc({ ...labels, state });
          log[state === 'waiting' ? 'warn' : 'info']({ event: 'stream', component: name, state, ...reason });
        },
      });
      stream = opened;
      return Promise.resolve();
    },
    missing: () => {
      const state = stream?.state() ?? 'not started';
      return state === 'online' ? undefined : `the stream to ${service} is ${state}${why ? ` (${why})` : ''}`;
    },
    // Nothing new is read; what was taken gets its answer before the stream closes.
    drain: async () => {
      stream?.pause();
      await intake.drained();
    },
    stop: async () => {
      await stream?.stop(closeMs);
    },
  };
};
