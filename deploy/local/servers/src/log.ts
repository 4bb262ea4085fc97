import { readFile, stat } from 'node:fs/promises';

/** The last lines that a log file has from this byte on. */
export const lastLines = async (logFile: string, from: number): Promise<string> => {
  const log = await readFile(logFile);
  return log.subarray(from).toString('utf8').trimEnd().split('\n').slice(-20).join('\n');
};

/** How long a log file is by now; 0 if there is none. */
export const sizeOf = (logFile: string): Promise<number> =>
  stat(logFile).then(
    ({ size }) => size,
    () => 0,
  );
