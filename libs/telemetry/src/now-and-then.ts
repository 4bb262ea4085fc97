/**
 * For a line about what may come by the thousand, as whenever NATS or Redis is away: `tell` is called for the first one, and
 * then at most every `everyMs`, with how many there were since it was called last.
 */
export const nowAndThen = (everyMs = 10_000): ((tell: (times: number) => void) => void) => {
  let toldAt = Number.NEGATIVE_INFINITY;
  let times = 0;
  return (tell) => {
    times += 1;
    const now = performance.now();
    if (now - toldAt < everyMs) return;
    toldAt = now;
    tell(times);
    times = 0;
  };
};
