import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProcess } from '@pushmesh/servers';
import type { Instance } from '@pushmesh/servers';

export const serviceNames = ['gateway', 'pubsub-push', 'dispatcher', 'push-service'] as const;
export type ServiceName = (typeof serviceNames)[number];

/** A running service: one of the four processes. */
export type RunningService = {
  readonly ops: string;
  /** How it ended, or `undefined` while it is running. */
  ended(): Promise<string | undefined>;
  lastLines(): Promise<string>;
  /** Stops it gracefully. */
  stop(): Promise<void>;
  /** Kills it with SIGKILL. */
  kill(): Promise<void>;
  /** Stops it if it is running, starts it again on the same ports, and waits until it is ready. */
  restart(): Promise<void>;
};

const root = fileURLToPath(new URL('../..', import.meta.url));
const readyMs = 60_000;

/**
 * Without bounds, V8 uses all the memory of a machine before it collects garbage; with these, a service under load
 * stays at about 150 MB. The bounds on the size of a stanza or answer, and on how many wait at a time, keep a service
 * far below that.
 */
export const heapBounds: readonly string[] = ['--max-semi-space-size=8', '--max-old-space-size=384'];

/**
 * For glibc. The threads of V8 hardly allocate, yet an arena for each of them would cost ten megabytes. The threshold
 * returns allocations of more than 8 KiB to the system when they are freed, instead of leaving holes in the arena.
 */
export const memoryEnv = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '8192' } as const;

/** Starts a service as a process and waits until it is ready. */
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
