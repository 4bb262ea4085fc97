/** Upper bounds in milliseconds: of the first wait, and of every wait. */
export type BackOff = { readonly firstMs: number; readonly maxMs: number };

/**
 * How much of a wait is random (AWS Architecture Blog, "Exponential Backoff and Jitter").
 * `full`: all of it. Spreads clients that failed together most widely, but may retry almost at once.
 * `equal`: its upper half. Gives the other side at least half of the wait to recover.
 */
export type Jitter = 'full' | 'equal';

/**
 * Milliseconds to wait before the next attempt. The upper bound doubles with each failure, up to `maxMs`.
 *
 * @param failures in a row so far, from 1
 * @param random from [0, 1)
 */
export const backOffMs = ({ firstMs, maxMs }: BackOff, failures: number, jitter: Jitter, random: number): number => {
  // Bounded, because 2 ** 1024 is Infinity and 0 * Infinity is NaN.
  const boundMs = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return jitter === 'full' ? boundMs * random : boundMs / 2 + (boundMs / 2) * random;
};
