import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { fileURLToPath } from 'node:url';
import { choosePorts, startProcess } from '@pushmesh/servers';
import type { BenchOptions } from './measure.ts';

const main = fileURLToPath(new URL('../../libs/fakes/src/main.ts', import.meta.url));
const readyMs = 30_000;

/** Starts `npm run fakes` as a process, and returns the variables that make push-service use it. */
export const startFakesProcess = async ({ dataDir, report }: BenchOptions) => {
  const folder = join(dataDir, 'fakes');
  mkdirSync(folder, { recursive: true });
  const names = ['FCM', 'OAUTH', 'APNS_PROD', 'APNS_DEV', 'WEB_PUSH', 'CONTROL'] as const;
  const ports = await choosePorts(Object.fromEntries(names.map((name) => [name, undefined])), report);
  const instance = await startProcess(
    { file: process.execPath },
    {
      name: 'fakes',
      title: 'the fakes',
      dataDir: folder,
      args: [main, '--dir', join(folder, 'credentials')],
      env: Object.fromEntries(names.map((name) => [`FAKES_${name}_PORT`, String(ports[name])])),
      report,
    },
  );
  const giveUpAt = Date.now() + readyMs;
  while (!(await instance.lastLines()).includes('fakes  ready')) {
    const end = await instance.ended();
    if (end !== undefined || Date.now() > giveUpAt)
      throw new Error(
        `the fakes did not start: ${end ?? `not ready after ${readyMs / 1000} s`}. ${await instance.lastLines()}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    env: parseEnv(readFileSync(join(folder, 'credentials', 'push-service.env'), 'utf8')) as Record<string, string>,
    stop: () => instance.stop(),
  };
};
