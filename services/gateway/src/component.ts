import { leases } from '@pushmesh/contracts';
import type { Bus, Lease } from '@pushmesh/bus';
import type { ComponentConfig } from './config.ts';
import { createStreamStatus, openStream } from './component-stream.ts';
import type { OpenStream, StreamDeps } from './component-stream.ts';

type Deps = StreamDeps & { readonly bus: Pick<Bus, 'lease' | 'ready'> };

const closeMs = 2_000;
/**
 * How long a shared stream waits for NATS before it opens: a publish that came earlier would be answered `wait`, and lost.
 * No longer than this, because ejabberd drops registrations while it knows no stream at all.
 */
const readyMs = 2_000;

/** One component name, with its stream whenever this replica may have it. A resource of the process. */
export const createComponentResource = (component: ComponentConfig, deps: Deps) => {
  const { bus, log } = deps;
  const { name, service } = component;
  const status = createStreamStatus(component, deps);
  let current: OpenStream | undefined;
  let lease: Lease | undefined;
  let draining = false;
  /** The name is free for the next stream only once the last one is gone. */
  let closed: Promise<void> = Promise.resolve();

  const open = (): void => {
    if (draining || current || lease?.isHeld() === false) return;
    status.opened();
    const opened = openStream(component, deps, (state, reason) => {
      status.change(state, reason);
      const isOffline = () => current === opened && status.isOffline();
      if (state === 'waiting' && isOffline()) pass(isOffline);
    });
    current = opened;
  };
  /** Another gateway may be able to reach the XMPP server. */
  const pass = (isWanted: () => boolean): void => {
    void lease?.pass(isWanted).then((isPassed) => {
      if (isPassed) log.warn({ event: 'lease-passed', component: name, why: `offline for ${deps.passMs} ms` });
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
  const onHeld = (): void => {
    log.info({ event: 'lease-held', component: name });
    void closed.then(open);
  };
  const onLost = (): void => {
    log.warn({ event: 'lease-lost', component: name });
    void close();
  };

  return {
    name: `component ${name}`,
    start: () => {
      if (component.stream === 'shared') void bus.ready(readyMs).then(open);
      else lease = bus.lease(leases.componentStream(name), onHeld, onLost);
      return Promise.resolve();
    },
    // A standby replica is ready: it has nothing to do until the lease is free.
    missing: () => {
      if (lease && !lease.isHeld()) return undefined;
      const state = current?.stream.state() ?? 'not started';
      const why = status.why();
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
      // What the server sent before it read our end of the stream cannot be answered, but a push is stored.
      await Promise.all([lease?.release(), last?.drain()]);
    },
  };
};
