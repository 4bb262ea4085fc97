import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { fileURLToPath } from 'node:url';
import { choosePorts, startProcess } from '@pushmesh/servers';
import type { BenchOptions } from './bench.ts';

const main = fileURLToPath(new URL('../../libs/fakes/src/main.ts', import.meta.url));
const readyMs = 30_000;

/** `npm run fakes` as a process of its own, and the variables with which push-service uses it. */
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
      throw new Error(`the fakes did not start: ${end ?? 'time is up'}. ${await instance.lastLines()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    env: parseEnv(readFileSync(join(folder, 'credentials', 'push-service.env'), 'utf8')) as Record<string, string>,
    stop: () => instance.stop(),
  };
};
