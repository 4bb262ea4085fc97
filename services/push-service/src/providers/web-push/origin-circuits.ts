import { backOffMs } from '@pushmesh/async';

type Options = {
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Milliseconds that a try can take. */
  readonly tryMs: number;
  /** Called with how many origins are out when that changes. */
  readonly onOut?: (count: number) => void;
};

/** `failures` in a row. From the last allowed one on nobody tries before `until`; then one does, and the others wait for it. */
type Circuit = { readonly failures: number; readonly until: number; readonly isTrying: boolean };

const allowedFailures = 3;
const isOpen = (circuit?: Circuit): boolean => circuit !== undefined && circuit.failures >= allowedFailures;
const wait = { firstMs: 30_000, maxMs: 300_000 };
/** Origins that are remembered, of those that failed last; anybody may name new ones. */
const maxOrigins = 10_000;
/** One that nobody has tried for so long since its wait was over is nobody’s push service any more. */
const unusedMs = 3_600_000;

/**
 * A circuit for each push service (origin): one that is out is tried now and then, and costs the pushes to the others neither
 * time nor connections.
 */
export const createOriginCircuits = ({ clock, random, tryMs, onOut }: Options) => {
  const circuits = new Map<string, Circuit>();
  let out = 0;

  /** The origin becomes the one that failed last, or is forgotten. */
  const put = (origin: string, next?: Circuit): void => {
    const change = Number(isOpen(next)) - Number(isOpen(circuits.get(origin)));
    circuits.delete(origin);
    if (next) circuits.set(origin, next);
    out += change;
    if (change !== 0) onOut?.(out);
  };
  const pauseAfter = (failures: number): number => backOffMs(wait, failures - allowedFailures + 1, 'equal', random());

  return {
    /** Milliseconds to wait before the origin may be tried; 0: whoever asked tries now. */
    waitMs: (origin: string): number => {
      const circuit = circuits.get(origin);
      if (!circuit || !isOpen(circuit)) return 0;
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
    out: (): number => out,

    worked: (origin: string): void => put(origin),

    /** For a timer: without pushes nothing else would end what is told of those that nobody pushes to. */
    forgetUnused: (): void => {
      const since = clock() - unusedMs;
      for (const [origin, { until }] of circuits) if (until < since) put(origin);
    },

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
      const opens = failures >= allowedFailures;
      const pauseMs = opens ? Math.min(Math.max(pauseAfter(failures), retryAfterSeconds * 1_000), wait.maxMs) : 0;
      put(origin, { failures, until: now + pauseMs, isTrying: false });
      const [eldest] = circuits.keys();
      if (circuits.size > maxOrigins && eldest !== undefined) put(eldest);
      return pauseMs;
    },
  };
};

export type OriginCircuits = ReturnType<typeof createOriginCircuits>;
