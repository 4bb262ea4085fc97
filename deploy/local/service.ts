import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProcess } from '@pushmesh/servers';
import type { Instance } from '@pushmesh/servers';

export const serviceNames = ['gateway', 'pubsub-push', 'dispatcher', 'push-service'] as const;
export type ServiceName = (typeof serviceNames)[number];

/** One of our four processes. */
export type RunningService = {
  readonly ops: string;
  /** How it ended, or `undefined` while it runs. */
  ended(): Promise<string | undefined>;
  lastLines(): Promise<string>;
  /** Ends it in an orderly way. */
  stop(): Promise<void>;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again, with the same ports, and waits until it is ready. */
  restart(): Promise<void>;
};

const root = fileURLToPath(new URL('../..', import.meta.url));
const readyMs = 60_000;

/**
 * V8 takes what a machine has before it collects; with these bounds a service under load stays at about 150 MB. What one
 * stanza or answer may be, and how many wait at a time, is bounded far below.
 */
export const heapBounds: readonly string[] = ['--max-semi-space-size=8', '--max-old-space-size=384'];

/**
 * For glibc. The threads of V8 hardly allocate; with an arena of its own for each they keep ten megabytes more. And what is larger than
 * 8 KiB goes back to the system when it is freed, in place of making holes in the arena.
 */
export const memoryEnv = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '8192' } as const;

/** Starts one of our services as a process and waits until it is ready. */
export const startService = async (
  name: ServiceName,
  dataDir: string,
  port: number,
  env: Readonly<Record<string, string>>,
  report: (line: string) => void,
): Promise<RunningService> => {
  mkdirSync(dataDir, { recursive: true });
  const ops = `http://127.0.0.1:${port}`;
  const launch = async (): Promise<Instance> => {
    const instance = await startProcess(
      { file: process.execPath },
      {
        name,
        title: name,
        stopMs: 25_000,
        dataDir,
        args: [...heapBounds, join(root, 'services', name, 'src', 'main.ts')],
        env: {
          ...memoryEnv,
          ...env,
          OPS_PORT: String(port),
          LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'info',
          NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'node-compile'),
          PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
        },
        report,
      },
    );
    await untilReady(name, ops, instance);
    return instance;
  };
  let instance = await launch();
  return {
    ops,
    ended: () => instance.ended(),
    lastLines: () => instance.lastLines(),
    stop: () => instance.stop(),
    kill: () => instance.kill(),
    restart: async () => {
      await instance.stop();
      instance = await launch();
    },
  };
};

const untilReady = async (name: ServiceName, ops: string, instance: Instance): Promise<void> => {
  const giveUpAt = Date.now() + readyMs;
  let last = 'it does not answer';
  while (Date.now() < giveUpAt) {
    const end = await instance.ended();
    if (end !== undefined)
      throw new Error(`${name} did not start: ${end}. The end of its log:\n${await instance.lastLines()}`);
    try {
      const response = await fetch(`${ops}/readyz`, { signal: AbortSignal.timeout(2_000) });
      if (response.ok) return;
      last = await response.text();
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await instance.stop();
  throw new Error(
    `${name} was not ready within ${readyMs / 1000} s: ${last}. The end of its log:\n${await instance.lastLines()}`,
  );
};
