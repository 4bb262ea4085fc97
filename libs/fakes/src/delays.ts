/** Delays that can all be cut short at once. */
export const createDelays = () => {
  const running = new Set<() => void>();
  return {
    wait: (ms: number): Promise<void> =>
      new Promise((resolve) => {
        const end = () => {
          clearTimeout(timer);
          running.delete(end);
          resolve();
        };
        const timer = setTimeout(end, ms);
        running.add(end);
      }),
    endAll: (): void => {
      for (const end of running) end();
    },
  };
};

/** A random time between the two, in milliseconds. */
export const randomBetween = (ms: number, mostMs: number): number => ms + Math.random() * Math.max(0, mostMs - ms);
