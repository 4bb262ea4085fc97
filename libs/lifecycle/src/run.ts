import closeWithGrace from 'close-with-grace';
import type { Log } from '@pushmesh/telemetry';
import { ListenError } from './listen.ts';

/** Something that is opened and closed with the process. Every function is optional: a resource has those it needs. */
export type Resource = {
  readonly name: string;
  /** Opens the resource, or begins to. May resolve before the other side answers: `missing` says when it is usable. */
  start?(): Promise<void>;
  /** What keeps the resource from being usable, in words; `undefined` when it is usable. */
  missing?(): string | undefined;
  /** Takes nothing new, and finishes what was taken. */
  drain?(): Promise<void>;
  /** Closes the resource. */
  stop?(): Promise<void>;
};

type Options = {
  readonly log: Log;
  /** Milliseconds for draining and stopping together. */
  readonly deadlineMs: number;
  /** Milliseconds between "not ready" and the first drain, so that load balancers notice. */
  readonly delayMs: number;
  readonly resources: readonly Resource[];
  /** Called once when stopping begins, so that `/readyz` says so. */
  readonly onStopping: () => void;
};

/**
 * Starts the resources in order. On SIGTERM, SIGINT or an uncaught exception: not ready → drain all in reverse order →
 * stop all in reverse order → exit. There is one deadline for all of it. A second signal exits at once, and so does a
 * second exception. The step and resource that were under way at the deadline, or at that exception, are logged. If an
 * address cannot be listened on, one line says why, and the process exits with 1.
 */
export const run = async ({ log, deadlineMs, delayMs, resources, onStopping }: Options): Promise<void> => {
  const started: Resource[] = [];
  let at: { readonly step?: 'drain' | 'stop'; readonly resource?: string } = {};
  const endAll = async (step: 'drain' | 'stop'): Promise<void> => {
    for (const resource of started.toReversed()) {
      at = { step, resource: resource.name };
      await attempt(log, resource, step);
    }
  };

  const graceOptions = {
    delay: delayMs + deadlineMs,
    logger: false,
    onTimeout: (waitedMs: number) => log.error({ event: 'stop-timeout', waitedMs, ...at }),
    onSecondError: (err: unknown) => log.error({ event: 'crash-while-stopping', err, ...at }),
  } as const;
  closeWithGrace(graceOptions, async ({ signal, err }) => {
    if (err) log.error({ event: 'crash', err });
    log.info({ event: 'stopping', signal });
    onStopping();
    if (delayMs > 0 && !err) await new Promise((resolve) => setTimeout(resolve, delayMs));
    await endAll('drain');
    await endAll('stop');
    log.info({ event: 'stopped' });
  });

  for (const resource of resources) {
    started.push(resource);
    await resource.start?.().catch(orExit);
  }
  log.info({ event: 'started' });
};

/** A configured address that cannot be listened on is not a crash: no stack, just the reason and exit code 1. */
const orExit = (error: unknown): never => {
  if (!(error instanceof ListenError)) throw error;
  console.error(error.message);
  process.exit(1);
};

/** A resource that fails to stop must not keep the others from stopping. */
const attempt = async (log: Log, resource: Resource, step: 'drain' | 'stop'): Promise<void> => {
  try {
    await resource[step]?.();
  } catch (err) {
    log.error({ event: `${step}-failed`, resource: resource.name, err });
  }
};
