import { findings, withClock } from '../providers/credentials/finding.ts';
import type { Finding } from '../providers/credentials/finding.ts';

/** What trying out the credentials of one pool came to. */
export type CheckedPool = {
  readonly name: string;
  /** Which app or project, and where it was asked. */
  readonly what: string;
  readonly finding: Finding;
  /** How many milliseconds the provider's clock is ahead of ours, if it said. */
  readonly skewMs: number | undefined;
  /** Where it was found, if somewhere else. */
  readonly foundAt: string | undefined;
  /** When a certificate expires, in milliseconds since 1970. */
  readonly expiresAt: number | undefined;
};

type Report = {
  /** All credentials can be used. */
  readonly ok: boolean;
  /** For people: a line or more for each pool. */
  readonly text: string;
};

/**
 * Says in words what was found. Apple does not tell the time, Google does: what is known about the clock counts for
 * all.
 */
export const toReport = (pools: readonly CheckedPool[], now: number): Report => {
  const known = pools.find((pool) => skewOf(pool) !== undefined);
  const rows = pools.map((pool) => ({ ...pool, finding: withClock(pool.finding, skewOf(pool) ?? known?.skewMs) }));
  const lines = rows.flatMap(({ name, what, finding, foundAt, expiresAt }) => [
    `${finding.verdict === 'usable' ? 'ok    ' : 'NOT OK'} ${name} (${what})`,
    `       ${finding.name}: ${finding.meaning}${foundAt === undefined ? '' : `; this was at ${foundAt}, FCM itself was not asked`}`,
    ...(expiresAt === undefined ? [] : [`       ${expiry(expiresAt, now)}`]),
  ]);
  return {
    ok: rows.every(({ finding }) => finding.verdict === 'usable'),
    text: [...lines, ...clock(known, now)].join('\n'),
  };
};

/** Found where the provider was absent, or not alone: whatever time it is there says nothing. */
const notFromProvider: ReadonlySet<Finding> = new Set([
  findings.foreign_answer,
  findings.stranger,
  findings.no_http2,
  findings.provider_out,
]);

const skewOf = ({ finding, skewMs }: CheckedPool): number | undefined =>
  notFromProvider.has(finding) ? undefined : skewMs;

const dayMs = 86_400_000;

const expiry = (expiresAt: number, now: number): string => {
  const days = Math.floor((expiresAt - now) / dayMs);
  return `the certificate ${days < 0 ? 'expired' : 'expires'} on ${new Date(expiresAt).toISOString().slice(0, 10)}, ${Math.abs(days)} days ${days < 0 ? 'ago' : 'from now'}`;
};

const clock = (known: CheckedPool | undefined, now: number): string[] => {
  if (known?.skewMs === undefined)
    return [
      `tokens are dated by the clock of this machine, ${new Date(now).toISOString()}; no provider told us its time to compare it with`,
    ];
  const { name, skewMs } = known;
  if (Math.abs(skewMs) < 1_000) return [];
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  return [
    `the clock of this machine is ${seconds} s ${skewMs > 0 ? 'behind' : 'ahead of'} that of the provider of ${name}`,
  ];
};
