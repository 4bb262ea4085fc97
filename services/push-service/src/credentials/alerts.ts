import type { Log } from '@pushmesh/telemetry';
import type { ProviderAnswer, Refusal } from '../push/category.ts';
import type { CredentialAlerts } from '../push/credential-alerts.ts';
import type { Notification } from '../push/notification.ts';
import { whatToLookAt } from './operator-refusal.ts';

type Deps = {
  readonly log: Log;
  /** Milliseconds that only ever grow. */
  readonly uptime: () => number;
};

/** One reason in one pool: when it was last logged, and how often it came since then, and since a push was accepted. */
type Reported = { readonly category: Refusal; at: number; sinceReported: number; sinceAccepted: number };

type Pool = { readonly reported: Map<string, Reported>; refusedFor: string | undefined };

const everyMs = 60_000;
/** Push services have some twenty reasons; any beyond these are logged together. */
const maxReasons = 32;

/**
 * Tells the operator which pools are refused for our credentials or settings, which callers see as trouble of this server:
 * at once, then once a minute for each pool and reason, and when the credentials are accepted again.
 */
export const createCredentialAlerts = ({ log, uptime }: Deps): CredentialAlerts => {
  const pools = new Map<string, Pool>();

  const refused = (name: string, { service, mode }: Notification, answer: Refused, lookAt: string) => {
    const pool = pools.get(name) ?? { reported: new Map<string, Reported>(), refusedFor: undefined };
    pools.set(name, pool);
    const { category, reason } = answer;
    if (category === 'auth') pool.refusedFor = reason;
    const key = pool.reported.has(reason) || pool.reported.size < maxReasons ? reason : 'others';
    const reported = pool.reported.get(key) ?? { category, at: -Infinity, sinceReported: 0, sinceAccepted: 0 };
    pool.reported.set(key, reported);
    const now = uptime();
    reported.sinceReported += 1;
    reported.sinceAccepted += 1;
    if (now - reported.at < everyMs) return;
    const times = reported.sinceReported;
    Object.assign(reported, { at: now, sinceReported: 0 });
    log.error({ event: 'provider-refused', pool: name, service, mode, category, reason, times, lookAt });
  };

  const accepted = (name: string, pool: Pool, { service, mode }: Notification) => {
    pool.refusedFor = undefined;
    // A push that is let in proves the credentials good. Other refusals may be about other pushes of the pool, such as those
    // to iPhones. Of several hosts of a push service, some may know a key that the others do not: at most once a minute.
    for (const [reason, reported] of pool.reported) {
      if (reported.category !== 'auth' || reported.sinceAccepted === 0 || uptime() - reported.at < everyMs) continue;
      log.info({ event: 'provider-accepts-again', pool: name, service, mode, reason, refused: reported.sinceAccepted });
      reported.sinceAccepted = 0;
    }
  };

  return {
    note: (name, notification, answer) => {
      const lookAt = whatToLookAt(notification.service, answer);
      if (answer.category !== 'ok' && lookAt !== undefined) return refused(name, notification, answer, lookAt);
      // A provider says that a device is gone only to someone whom it has let in.
      const isLetIn = answer.category === 'ok' || answer.category === 'unregistered';
      const pool = isLetIn ? pools.get(name) : undefined;
      if (pool) accepted(name, pool, notification);
    },
    reasonFor: (name) => pools.get(name)?.refusedFor,
  };
};

type Refused = Extract<ProviderAnswer, { category: Refusal }>;
