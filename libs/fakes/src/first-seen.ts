/** Remembers when each key was first seen, for the `max` newest keys. Times are milliseconds since 1970. */
export const createFirstSeen = (max: number) => {
  const seen = new Map<string, number>();
  return (key: string, now: number): number => {
    const first = seen.get(key);
    if (first !== undefined) return first;
    seen.set(key, now);
    const [oldest] = seen.keys();
    if (seen.size > max && oldest !== undefined) seen.delete(oldest);
    return now;
  };
};
