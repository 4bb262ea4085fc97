/** Waits that can all be ended at once. */
export const createPause = () => {
  const waiting = new Set<() => void>();
  return {
    for: (ms: number): Promise<void> =>
      new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        waiting.add(done);
      }),
    end: (): void => {
      for (const done of waiting) done();
    },
  };
};

/** A time between the two, in milliseconds. */
export const between = (ms: number, mostMs: number): number => ms + Math.random() * Math.max(0, mostMs - ms);
