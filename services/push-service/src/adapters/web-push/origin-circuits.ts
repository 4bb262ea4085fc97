import { backoffMs } from '../http2/backoff.ts';

type Options = {
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Milliseconds that a try can take. */
  readonly tryMs: number;
};

/** `failures` in a row. From the last allowed one on nobody tries before `until`; then one does, and the others wait for it. */
type Circuit = { readonly failures: number; readonly until: number; readonly isTrying: boolean };

const allowedFailures = 3;
const wait = { firstMs: 30_000, maxMs: 300_000 };
/** Origins that are remembered, of those that failed last; anybody may name new ones. */
const maxOrigins = 10_000;

/**
 * A circuit for each push service (origin): one that is out is tried now and then, and costs the pushes to the others neither
 * time nor connections.
 */
export const createOriginCircuits = ({ clock, random, tryMs }: Options) => {
  const circuits = new Map<string, Circuit>();
  const pauseAfter = (failures: number): number => backoffMs(wait, failures - allowedFailures + 1, random());

  return {
    /** Milliseconds to wait before the origin may be tried; 0: whoever asked tries now. */
    waitMs: (origin: string): number => {
      const circuit = circuits.get(origin);
      if (!circuit || circuit.failures < allowedFailures) return 0;
      const now = clock();
      const left = circuit.until - now;
      // Who comes during the try waits as if it failed: when it works it is over so soon that hardly anybody does.
      const more = circuit.isTrying ? pauseAfter(circuit.failures + 1) : 0;
      // A clock that was put back must not shut an origin out for longer.
      if (left > 0) return Math.min(left + more, wait.maxMs);
      circuits.set(origin, { ...circuit, until: now + tryMs, isTrying: true });
      return 0;
    },

    /** How many origins are out. */
    out: (): number => [...circuits.values()].filter(({ failures }) => failures >= allowedFailures).length,

    worked: (origin: string): void => void circuits.delete(origin),

    /**
     * Milliseconds to wait before the origin may be tried again; 0: it is not given up yet.
     *
     * @param retryAfterSeconds what the push service asks for, believed up to the longest wait
     */
    failed: (origin: string, retryAfterSeconds = 0): number => {
      const now = clock();
      const known = circuits.get(origin) ?? { failures: 0, until: 0, isTrying: true };
      // One that was under way when the circuit opened says nothing new.
      if (known.until > now && !known.isTrying) return Math.min(known.until - now, wait.maxMs);
      const failures = known.failures + 1;
      const isOpen = failures >= allowedFailures;
      const pauseMs = isOpen ? Math.min(Math.max(pauseAfter(failures), retryAfterSeconds * 1_000), wait.maxMs) : 0;
      circuits.delete(origin);
      circuits.set(origin, { failures, until: now + pauseMs, isTrying: false });
      const [eldest] = circuits.keys();
      if (circuits.size > maxOrigins && eldest !== undefined) circuits.delete(eldest);
      return pauseMs;
    },
  };
};

export type OriginCircuits = ReturnType<typeof createOriginCircuits>;
