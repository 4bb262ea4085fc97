/**
 * What is known about watched files: those of one pool, or the server's own. `inUse` and `seen` stand for their
 * content.
 */
export type Watched = {
  readonly inUse: string;
  /** What was read last. */
  readonly seen: string;
  /**
   * Content that was tried and not accepted `times` times in a row; not tried again before `until` (milliseconds since
   * 1970).
   */
  readonly failed?: { readonly digest: string; readonly times: number; readonly until: number };
};

/**
 * `none`: what was read is in use, or was tried not long ago. `settling`: it is new, and may be half of what is being
 * written, or one of two files that belong together; a change counts once it reads the same twice.
 */
export type Change = 'none' | 'settling' | 'new';

export const changeOf = ({ inUse, seen, failed }: Watched, read: string, now: number): Change => {
  if (read === inUse || (read === failed?.digest && now < failed.until)) return 'none';
  return read === seen ? 'new' : 'settling';
};
