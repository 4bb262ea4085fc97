/** What is known of credential files, those of one pool or the server’s own. `inUse` and `seen` stand for what is in them. */
export type Watched = {
  readonly inUse: string;
  /** What was read last. */
  readonly seen: string;
  /** What was tried and not taken, so often in a row, and is not tried again before (milliseconds since 1970). */
  readonly failed?: { readonly digest: string; readonly times: number; readonly until: number };
};

/**
 * `none`: what is read is in use, or was tried not long ago. `settling`: it is new, and may be half of what is being written
 * or one of two files that belong together: a change counts when it reads the same twice.
 */
export type Change = 'none' | 'settling' | 'new';

export const changeOf = ({ inUse, seen, failed }: Watched, read: string, now: number): Change => {
  if (read === inUse || (read === failed?.digest && now < failed.until)) return 'none';
  return read === seen ? 'new' : 'settling';
};
