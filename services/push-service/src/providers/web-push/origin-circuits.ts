import { backOffMs } from '@pushmesh/async';

type Options = {
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** [0, 1) */
  readonly random: () => number;
  /** Milliseconds that an attempt can take. */
  readonly tryMs: number;
  /** Called with the number of origins that are down when it changes. */
  readonly onOut?: (count: number) => void;
};

/**
 * `failures` in a row. After the last allowed one nobody tries before `until`; then one push does, and the others wait
 * for it.
 */
type Circuit = { readonly failures: number; readonly until: number; readonly isTrying: boolean };

const allowedFailures = 3;
const isOpen = (circuit?: Circuit): boolean => circuit !== undefined && circuit.failures >= allowedFailures;
const wait = { firstMs: 30_000, maxMs: 300_000 };
/** How many of the origins that failed last are remembered; anybody may name new ones. */
const maxOrigins = 10_000;
/** An origin that nobody has tried for this long after its wait ended is forgotten: nobody uses it any more. */
const unusedMs = 3_600_000;

/**
 * A circuit for each push service (origin): one that is down is tried now and then, and costs the pushes to the others neither
 * time nor connections.
 */
export const createOriginCircuits = ({ clock, random, tryMs, onOut }: Options) => {
  const circuits = new Map<string, Circuit>();
  let out = 0;

  /** Makes the origin the one that failed last, or forgets it. */
  const put = (origin: string, next?: Circuit): void => {
    const change = Number(isOpen(next)) - Number(isOpen(circuits.get(origin)));
    circuits.delete(origin);
    if (next) circuits.set(origin, next);
    out += change;
    if (change !== 0) onOut?.(out);
  };
  const pauseAfter = (failures: number): number => backOffMs(wait, failures - allowedFailures + 1, 'equal', random());

  return {
    /** Milliseconds to wait before the origin may be tried; 0: the caller tries now. */
    waitMs: (origin: string): number => {
      const circuit = circuits.get(origin);
      if (!circuit || !isOpen(circuit)) return 0;
      const now = clock();
      const left = circuit.until - now;
      // A push that comes during the attempt waits as if it had failed: a successful attempt is over so soon that few do.
      const more = circuit.isTrying ? pauseAfter(circuit.failures + 1) : 0;
      // A clock that was set back must not keep an origin out for longer.
      if (left > 0) return Math.min(left + more, wait.maxMs);
      circuits.set(origin, { ...circuit, until: now + tryMs, isTrying: true });
      return 0;
    },

    /** How many origins are down. */
    out: (): number => out,

    worked: (origin: string): void => put(origin),

    /** Called by a timer: without pushes, nothing else would stop origins that nobody uses from being reported as down. */
    forgetUnused: (): void => {
      const since = clock() - unusedMs;
      for (const [origin, { until }] of circuits) if (until < since) put(origin);
    },

    /**
     * Milliseconds to wait before the origin may be tried again; 0: the circuit is still closed.
     *
     * @param retryAfterSeconds what the push service asks for; honoured up to the longest wait
     */
    failed: (origin: string, retryAfterSeconds = 0): number => {
      const now = clock();
      const known = circuits.get(origin) ?? { failures: 0, until: 0, isTrying: true };
      // A push that was under way when the circuit opened says nothing new.
      if (known.until > now && !known.isTrying) return Math.min(known.until - now, wait.maxMs);
      const failures = known.failures + 1;
      const opens = failures >= allowedFailures;
      const pauseMs = opens ? Math.min(Math.max(pauseAfter(failures), retryAfterSeconds * 1_000), wait.maxMs) : 0;
      put(origin, { failures, until: now + pauseMs, isTrying: false });
      const [oldest] = circuits.keys();
      if (circuits.size > maxOrigins && oldest !== undefined) put(oldest);
      return pauseMs;
    },
  };
};

export type OriginCircuits = ReturnType<typeof createOriginCircuits>;
