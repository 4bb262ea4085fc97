/**
 * Why a file cannot be read. Somebody may have set the variable to the credentials instead of their path, and they must
 * not end up in a log: only text that begins like a path is shown.
 *
 * @param error what the attempt to read it threw
 */
export const unreadable = (path: string, error: unknown): string => {
  if (/[\r\n{]|-----BEGIN/.test(path))
    return 'holds the credentials themselves; expected the path of a file that holds them';
  const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
  const file = /^\.{0,2}\//.test(path) ? path : `a file of that name in ${process.cwd()}`;
  return `cannot read ${file} (${code})`;
};
