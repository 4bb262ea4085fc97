/** One deadline for several waits, `ms` milliseconds from now. */
export const startDeadline = (ms: number) => {
  const end = performance.now() + ms;
  const restMs = (): number => Math.max(0, end - performance.now());
  return {
    restMs,
    /** The value of a promise, or `undefined` if the deadline comes first. Any other value is returned as it is. */
    race: async <T>(promise: T | Promise<T>): Promise<T | undefined> => {
      if (!(promise instanceof Promise)) return promise;
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
