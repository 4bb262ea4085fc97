/**
 * Why a file cannot be read. Who puts the credentials where their path belongs must not find them in a log: only what begins
 * like a path is shown.
 *
 * @param error what reading it threw
 */
export const unreadable = (path: string, error: unknown): string => {
  if (/[\r\n{]|-----BEGIN/.test(path))
    return 'holds the credentials themselves where the path of their file is expected';
  const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
  const file = /^\.{0,2}\//.test(path) ? path : `a file of that name in ${process.cwd()}`;
  return `cannot read ${file} (${code})`;
};
