import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'pushmesh-push-service-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a file that lasts until the tests of the importing file have run; gives its path. */
export const temporaryFile = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};
