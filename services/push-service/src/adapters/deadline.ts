/** One deadline for several waits, `ms` milliseconds from now. */
export const startDeadline = (ms: number) => {
  const end = performance.now() + ms;
  const restMs = (): number => Math.max(0, end - performance.now());
  return {
    restMs,
    /** What comes of a promise, or `undefined` when the deadline comes first. */
    race: async <T>(promise: Promise<T>): Promise<T | undefined> => {
      const late = Promise.withResolvers<undefined>();
      const timer = setTimeout(() => late.resolve(undefined), restMs());
      try {
        return await Promise.race([promise, late.promise]);
      } finally {
        clearTimeout(timer);
      }
    },
  };
};
