/** Waits that all end at once when the process is to stop. */
export const createPause = () => {
  const waiting = new Set<() => void>();
  let closed = false;
  return {
    for: (ms: number): Promise<void> =>
      new Promise((resolve) => {
        if (closed) return resolve();
        const done = () => {
          clearTimeout(timer);
          waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        waiting.add(done);
      }),
    close: () => {
      closed = true;
      for (const done of waiting) done();
    },
  };
};
