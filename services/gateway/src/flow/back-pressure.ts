type Options = {
  readonly limit: number;
  /** Called with how many are in flight, whenever that changes. */
  readonly onCount: (count: number) => void;
  /** The limit is reached: nothing more is to be read. */
  readonly pause: () => void;
  /** Half of the limit is free again. */
  readonly resume: () => void;
};

/**
 * Bounds the stanzas of one stream that wait for their answer. At the limit the stream is paused until half of them are
 * answered; what arrived in the same packets waits here.
 */
export const createBackPressure = ({ limit, onCount, pause, resume }: Options) => {
  const waiting: (() => void)[] = [];
  const idle: (() => void)[] = [];
  let count = 0;
  let isPaused = false;
  let isDraining = false;

  const enter = (take: () => void): void => {
    count += 1;
    onCount(count);
    if (!isPaused && count >= limit) {
      isPaused = true;
      pause();
    }
    take();
  };

  return {
    isDraining: (): boolean => isDraining,
    /** As many stanzas wait for room as may be in flight. */
    isCrowded: (): boolean => waiting.length >= limit,

    /** Calls `take` as soon as there is room. What it takes is in flight until `leave` is called. */
    admit: (take: () => void): void => {
      if (count < limit) enter(take);
      else waiting.push(take);
    },
    leave: (): void => {
      count -= 1;
      onCount(count);
      const next = waiting.shift();
      if (next) enter(next);
      if (count === 0) for (const resolve of idle.splice(0)) resolve();
      if (!isPaused || isDraining || count > limit / 2) return;
      isPaused = false;
      resume();
    },

    /** Resolves once nothing is in flight. From now on the stream is not resumed. */
    drain: async (): Promise<void> => {
      isDraining = true;
      if (count > 0) await new Promise<void>((resolve) => void idle.push(resolve));
    },
  };
};
