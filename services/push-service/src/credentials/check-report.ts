import { findings } from '../providers/credentials/finding.ts';
import type { Finding } from '../providers/credentials/finding.ts';
import { withClock } from '../providers/credentials/judge.ts';

/** What trying out the credentials of one pool came to. */
export type CheckedPool = {
  readonly name: string;
  /** Which app or project, and where it is asked. */
  readonly what: string;
  readonly finding: Finding;
  /** By how many milliseconds the clock of the provider is ahead of ours, if it said. */
  readonly skewMs: number | undefined;
  /** Where it was found, if somewhere else than there. */
  readonly foundAt: string | undefined;
  /** The end of a certificate, milliseconds since 1970. */
  readonly expiresAt: number | undefined;
};

type Report = {
  /** All credentials can be used. */
  readonly ok: boolean;
  /** For people, a line or more for each pool. */
  readonly text: string;
};

const dayMs = 86_400_000;

/** Found where the provider was not there, or not alone: what time it is there says nothing. */
const notOfProvider = new Set<Finding>(['foreign_answer', 'stranger', 'no_http2', 'provider_out']);

/** Says in words what was found. Apple does not say what time it is, Google does: what is known of the clock counts for all. */
export const toReport = (pools: readonly CheckedPool[], now: number): Report => {
  const skewOf = ({ finding, skewMs }: CheckedPool) => (notOfProvider.has(finding) ? undefined : skewMs);
  const known = pools.find((pool) => skewOf(pool) !== undefined);
  const rows = pools.map((pool) => {
    const finding = withClock(pool.finding, skewOf(pool) ?? known?.skewMs);
    return { ...pool, finding, row: findings[finding] };
  });
  const lines = rows.flatMap(({ name, what, finding, row, foundAt, expiresAt }) => [
    `${row.verdict === 'usable' ? 'ok    ' : 'NOT OK'} ${name} (${what})`,
    `       ${finding}: ${row.words}${foundAt === undefined ? '' : `; this was at ${foundAt}, FCM itself was not asked`}`,
    ...(expiresAt === undefined ? [] : [`       ${expiry(expiresAt, now)}`]),
  ]);
  return { ok: rows.every(({ row }) => row.verdict === 'usable'), text: [...lines, ...clock(known, now)].join('\n') };
};

const expiry = (expiresAt: number, now: number): string => {
  const days = Math.floor((expiresAt - now) / dayMs);
  return `the certificate ${days < 0 ? 'expired' : 'expires'} on ${new Date(expiresAt).toISOString().slice(0, 10)}, ${Math.abs(days)} days ${days < 0 ? 'ago' : 'from now'}`;
};

const clock = (known: CheckedPool | undefined, now: number): string[] => {
  if (known?.skewMs === undefined)
    return [
      `tokens are dated by the clock of this machine, ${new Date(now).toISOString()}; nobody was there to compare it with`,
    ];
  const { name, skewMs } = known;
  if (Math.abs(skewMs) < 1_000) return [];
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  return [
    `the clock of this machine is ${seconds} s ${skewMs > 0 ? 'behind' : 'ahead of'} that of the provider of ${name}`,
  ];
};
