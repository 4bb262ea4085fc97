/** Remembers when it was first asked for a key, for the last `max` new keys. */
export const createFirstSeen = (max: number) => {
  const seen = new Map<string, number>();
  return (key: string, now: number): number => {
    const first = seen.get(key);
    if (first !== undefined) return first;
    seen.set(key, now);
    const [eldest] = seen.keys();
    if (seen.size > max && eldest !== undefined) seen.delete(eldest);
    return now;
  };
};
