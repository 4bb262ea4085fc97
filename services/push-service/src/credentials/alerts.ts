import type { Log } from '@pushmesh/telemetry';
import type { ProviderAnswer } from '../push/category.ts';
import type { Notification } from '../push/notification.ts';
import { isForOperator, whatToLookAt } from './operator-refusal.ts';
import type { OperatorRefusal } from './operator-refusal.ts';

type Deps = {
  readonly log: Log;
  /** Milliseconds that only ever grow. */
  readonly uptime: () => number;
};

/** What is known of one reason in one pool: when it was told, and how often it came since, and since a push was accepted. */
type Told = { readonly category: string; at: number; sinceTold: number; sinceAccepted: number };

type Pool = { readonly told: Map<string, Told>; refusedFor: string | undefined };

const everyMs = 60_000;
/** Push services have some twenty reasons; what comes beyond these is told together. */
const maxReasons = 32;

/**
 * Tells the operator which pools are refused for our credentials or settings, which callers see as trouble of this server:
 * at once, then once a minute for each pool and reason, and when the credentials are accepted again.
 */
export const createRefusals = ({ log, uptime }: Deps) => {
  const pools = new Map<string, Pool>();

  const refused = (name: string, { service, mode }: Notification, answer: OperatorRefusal) => {
    const pool = pools.get(name) ?? { told: new Map<string, Told>(), refusedFor: undefined };
    pools.set(name, pool);
    if (answer.category === 'auth') pool.refusedFor = answer.reason;
    const { category, reason } = answer;
    const key = pool.told.has(reason) || pool.told.size < maxReasons ? reason : 'others';
    const told = pool.told.get(key) ?? { category, at: -Infinity, sinceTold: 0, sinceAccepted: 0 };
    pool.told.set(key, told);
    const now = uptime();
    told.sinceTold += 1;
    told.sinceAccepted += 1;
    if (now - told.at < everyMs) return;
    const times = told.sinceTold;
    Object.assign(told, { at: now, sinceTold: 0 });
    const lookAt = whatToLookAt(answer);
    log.error({ event: 'provider-refused', pool: name, service, mode, category, reason, times, lookAt });
  };

  const accepted = (name: string, pool: Pool, { service, mode }: Notification) => {
    pool.refusedFor = undefined;
    // One that is let in proves the credentials good. Other refusals may be about other pushes of the pool, such as those to
    // iPhones. Of several hosts of a push service some may know a key that the others do not: no more than once a minute.
    for (const [reason, told] of pool.told) {
      if (told.category !== 'auth' || told.sinceAccepted === 0 || uptime() - told.at < everyMs) continue;
      log.info({ event: 'provider-accepts-again', pool: name, service, mode, reason, refused: told.sinceAccepted });
      told.sinceAccepted = 0;
    }
  };

  return {
    /** Takes note of what came of a push. */
    note: (name: string, notification: Notification, answer: ProviderAnswer): void => {
      if (isForOperator(answer)) return refused(name, notification, answer);
      // A device that is gone is nothing that is told to somebody who was not let in.
      const isLetIn = answer.category === 'ok' || answer.category === 'unregistered';
      const pool = isLetIn ? pools.get(name) : undefined;
      if (pool) accepted(name, pool, notification);
    },
    /** Why the pool’s credentials were refused, if they have not been accepted since. */
    reasonFor: (name: string): string | undefined => pools.get(name)?.refusedFor,
  };
};

export type Refusals = ReturnType<typeof createRefusals>;
