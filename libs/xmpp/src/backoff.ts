/** How long to wait between two attempts to connect. */
export type BackoffTiming = {
  /** Upper bound of the first wait, milliseconds; each further failure doubles it. */
  readonly backoffBaseMs: number;
  /** Upper bound of every wait, milliseconds. */
  readonly backoffCapMs: number;
};

/**
 * Exponential back-off with full jitter: anything up to the bound, so that the components of a server that restarts do
 * not come back all at once. `failures` counts the attempts before this one; `random` gives [0, 1).
 */
export const backoffMs = (failures: number, timing: BackoffTiming, random: () => number): number =>
  random() * Math.min(timing.backoffCapMs, timing.backoffBaseMs * 2 ** failures);

/** The wait after a refusal that only a human or the end of another stream can lift: the upper half of the cap. */
export const refusedBackoffMs = (timing: BackoffTiming, random: () => number): number =>
  timing.backoffCapMs * (0.5 + random() / 2);
