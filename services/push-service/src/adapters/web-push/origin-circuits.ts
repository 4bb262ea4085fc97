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

const allowedFailures = 5;
const wait = { firstMs: 30_000, maxMs: 300_000 };
/** Origins that are remembered, of those that failed last; anybody may name new ones. */
const maxOrigins = 10_000;

/**
 * A circuit for each push service (origin): one that is out is tried now and then, and costs the pushes to the others neither
 * time nor connections.
 */
export const createOriginCircuits = ({ clock, random, tryMs }: Options) => {
  const circuits = new Map<string, Circuit>();

  return {
    /** Milliseconds to wait before the origin may be tried; 0: whoever asked tries now. */
    waitMs: (origin: string): number => {
      const circuit = circuits.get(origin);
      if (!circuit || circuit.failures < allowedFailures) return 0;
      const now = clock();
      // A clock that was put back must not close an origin out for longer.
      const left = Math.min(circuit.until - now, wait.maxMs);
      if (left > 0) return left;
      circuits.set(origin, { ...circuit, until: now + tryMs, isTrying: true });
      return 0;
    },

    /** How many origins are out. */
    out: (): number => [...circuits.values()].filter(({ failures }) => failures >= allowedFailures).length,

    worked: (origin: string): void => void circuits.delete(origin),

    /** @param retryAfterSeconds what the push service asks for, believed up to the longest wait */
    failed: (origin: string, retryAfterSeconds = 0): void => {
      const now = clock();
      const known = circuits.get(origin) ?? { failures: 0, until: 0, isTrying: true };
      // One that was under way when the circuit opened says nothing new.
      if (known.until > now && !known.isTrying) return;
      const failures = known.failures + 1;
      const isOpen = failures >= allowedFailures;
      const pause = isOpen ? backoffMs(wait, failures - allowedFailures + 1, random()) : 0;
      const until = isOpen ? now + Math.min(Math.max(pause, retryAfterSeconds * 1_000), wait.maxMs) : 0;
      circuits.delete(origin);
      circuits.set(origin, { failures, until, isTrying: false });
      const [eldest] = circuits.keys();
      if (circuits.size > maxOrigins && eldest !== undefined) circuits.delete(eldest);
    },
  };
};

export type OriginCircuits = ReturnType<typeof createOriginCircuits>;
