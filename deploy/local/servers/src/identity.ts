import { execFileSync } from 'node:child_process';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

/** A process and when it started: a pid alone is soon reused for another process. */
export type Identity = { readonly pid: number; readonly began: string };

export const identify = (pid: number): Identity => ({ pid, began: startOf(pid) ?? '' });

export const isAlive = ({ pid, began }: Identity): boolean => startOf(pid) === began;

/**
 * Claims `file` for this process, which must remove it in the end. If another process that is alive holds it, returns
 * that process instead.
 *
 * @throws if the file cannot be written
 */
export const claim = (file: string): Identity | undefined => {
  if (writeClaim(file)) return undefined;
  const holder = holderOf(file);
  if (holder && isAlive(holder)) return holder;
  rmSync(file, { force: true });
  return writeClaim(file) ? undefined : holderOf(file);
};

/** Returns whether the file did not exist before. It appears complete, as a partial one would not name its holder. */
const writeClaim = (file: string): boolean => {
  const complete = `${file}.${process.pid}`;
  try {
    writeFileSync(complete, JSON.stringify(identify(process.pid)));
    linkSync(complete, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(complete, { force: true });
  }
};

const holderOf = (file: string): Identity | undefined => {
  try {
    const { pid, began } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Identity>;
    return typeof pid === 'number' && began ? { pid, began } : undefined;
  } catch {
    // No file, or one cut short by a crash: no holder is known.
    return undefined;
  }
};

const startOf = (pid: number): string | undefined => {
  try {
    if (process.platform !== 'linux') {
      const stdio: ('ignore' | 'pipe')[] = ['ignore', 'pipe', 'ignore'];
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', stdio }).trim();
    }
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    // proc(5): the name in parentheses may contain anything; after it come state (field 3) and start time (field 22).
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[0] === 'Z' ? undefined : `${boot} ${fields[19]}`;
  } catch {
    return undefined;
  }
};
