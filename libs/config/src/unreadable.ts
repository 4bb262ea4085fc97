/**
 * Why a file cannot be read. Who puts the credentials where their path belongs must not find them in a log.
 *
 * @param error what reading it threw
 */
export const unreadable = (path: string, error: unknown): string =>
  /[\r\n{]|-----BEGIN/.test(path)
    ? 'holds the credentials themselves where the path of their file is expected'
    : `cannot read ${path} (${(error as NodeJS.ErrnoException).code ?? 'unreadable'})`;
