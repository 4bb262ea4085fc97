import { readFile, stat } from 'node:fs/promises';

/** The last lines of a log file after this byte offset. */
export const lastLines = async (logFile: string, from: number): Promise<string> => {
  const log = await readFile(logFile);
  return log.subarray(from).toString('utf8').trimEnd().split('\n').slice(-20).join('\n');
};

/** The current size of a log file in bytes; 0 if it does not exist. */
export const sizeOf = (logFile: string): Promise<number> =>
  stat(logFile).then(
    ({ size }) => size,
    () => 0,
  );
