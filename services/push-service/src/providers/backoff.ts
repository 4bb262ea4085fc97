type Backoff = { readonly firstMs: number; readonly maxMs: number };

/**
 * Milliseconds to wait before the next attempt after so many failures in a row: doubling, with equal jitter (the upper
 * half of it is random), so that many replicas do not come back in step.
 *
 * @param random from 0 to 1
 */
export const backoffMs = ({ firstMs, maxMs }: Backoff, failures: number, random: number): number => {
  const step = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return step / 2 + (step / 2) * random;
};
