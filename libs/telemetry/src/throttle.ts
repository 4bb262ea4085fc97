/** Calls `emit` with the number of calls since the last one that was emitted, this one included; or drops the call. */
export type Throttle = (emit: (times: number) => void) => void;

/**
 * For log lines about events that can occur by the thousand, for instance while NATS or Redis is down: the first one is
 * emitted, then at most one every `everyMs`.
 */
export const createThrottle = (everyMs = 10_000): Throttle => {
  let emittedAt = Number.NEGATIVE_INFINITY;
  let times = 0;
  return (emit) => {
    times += 1;
    const now = performance.now();
    if (now - emittedAt < everyMs) return;
    emittedAt = now;
    emit(times);
    times = 0;
  };
};
