import closeWithGrace from 'close-with-grace';
import type { Log } from '@pushmesh/telemetry';
import { ListenError } from './listen.ts';

/** Something that is opened and closed with the process. Every function is optional: a resource has what it needs. */
export type Resource = {
  readonly name: string;
  /** Opens the resource, or begins to; may settle before the other side answers: `missing` tells when it is usable. */
  start?(): Promise<void>;
  /** What is missing for the resource to be usable, in words; `undefined` when nothing is. */
  missing?(): string | undefined;
  /** Takes nothing new and finishes what was taken. */
  drain?(): Promise<void>;
  /** Lets go of the other side. */
  stop?(): Promise<void>;
};

type Options = {
  readonly log: Log;
  /** Milliseconds for draining and stopping together. */
  readonly deadlineMs: number;
  /** Milliseconds between “not ready” and the first drain, for balancers to notice. */
  readonly delayMs: number;
  readonly resources: readonly Resource[];
  /** Called once when stopping begins, so that `/readyz` says so. */
  readonly onStopping: () => void;
};

/**
 * Starts the resources in list order. On SIGTERM or SIGINT (or an uncaught exception): not ready → drain all in reverse
 * → stop all in reverse → exit. One deadline for all of it; a second signal exits at once, and so does a second crash.
 * What was being ended at the deadline, or at that crash, is logged. An address that cannot be listened on ends the
 * process with 1 and one line that says why.
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

  const ways = {
    delay: delayMs + deadlineMs,
    logger: false,
    onTimeout: (waitedMs: number) => log.error({ event: 'stop-timeout', waitedMs, ...at }),
    onSecondError: (err: unknown) => log.error({ event: 'crash-while-stopping', err, ...at }),
  } as const;
  closeWithGrace(ways, async ({ signal, err }) => {
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

/** An address that cannot be listened on is no crash: it is said, and the process ends with 1. */
const orExit = (error: unknown): never => {
  if (!(error instanceof ListenError)) throw error;
  console.error(error.message);
  process.exit(1);
};

/** One resource that fails to stop must not keep the others from stopping. */
const attempt = async (log: Log, resource: Resource, step: 'drain' | 'stop'): Promise<void> => {
  try {
    await resource[step]?.();
  } catch (err) {
    log.error({ event: `${step}-failed`, resource: resource.name, err });
  }
};
