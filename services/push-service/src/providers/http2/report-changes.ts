import type { Log } from '@pushmesh/telemetry';
import type { PushServiceMetrics } from '../../metrics.ts';
import type { ConnectionChange } from './connections.ts';

type Deps = { readonly log: Log; readonly metrics: Pick<PushServiceMetrics, 'providerConnections'> };

/** Counts and logs the changes of a pool's connections. */
export const reportChanges =
  (pool: string, { log, metrics }: Deps) =>
  (change: ConnectionChange): void => {
    metrics.providerConnections.inc({ pool, change: change.type });
    const isTrouble = change.type === 'unreachable' || change.type === 'lost';
    log[isTrouble ? 'warn' : 'debug']({ event: 'provider-connection', pool, ...change });
  };
