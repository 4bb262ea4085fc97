import { execFileSync } from 'node:child_process';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

/** A process, and when it began: a number alone is soon given to somebody else. */
export type Identity = { readonly pid: number; readonly began: string };

export const identify = (pid: number): Identity => ({ pid, began: beginOf(pid) ?? '' });

export const isAlive = ({ pid, began }: Identity): boolean => beginOf(pid) === began;

/**
 * Notes in `file` that this process holds it; whoever holds it removes it at the end. Gives back the living process that
 * holds it already, if there is one.
 *
 * @throws when it cannot be written
 */
export const claim = (file: string): Identity | undefined => {
  if (note(file)) return undefined;
  const holder = holderOf(file);
  if (holder && isAlive(holder)) return holder;
  rmSync(file, { force: true });
  return note(file) ? undefined : holderOf(file);
};

/** Whether nobody was first. The note appears as a whole: half of one would look like nobody’s. */
const note = (file: string): boolean => {
  const whole = `${file}.${process.pid}`;
  try {
    writeFileSync(whole, JSON.stringify(identify(process.pid)));
    linkSync(whole, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(whole, { force: true });
  }
};

const holderOf = (file: string): Identity | undefined => {
  try {
    const { pid, began } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Identity>;
    return typeof pid === 'number' && began ? { pid, began } : undefined;
  } catch {
    // No note, or one cut short by a crash: then there is nobody that we could know to hold it.
    return undefined;
  }
};

const beginOf = (pid: number): string | undefined => {
  try {
    if (process.platform !== 'linux') {
      const stdio: ('ignore' | 'pipe')[] = ['ignore', 'pipe', 'ignore'];
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', stdio }).trim();
    }
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    // proc(5): the name in parentheses may contain anything; after it come the state (3rd field) and, 22nd, the start time.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[0] === 'Z' ? undefined : `${boot} ${fields[19]}`;
  } catch {
    return undefined;
  }
};
