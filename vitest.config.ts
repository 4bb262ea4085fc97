import { defineConfig } from 'vitest/config';

// Three kinds of tests, by what they need. `unit`: files only, or a peer on loopback that the test itself starts.
// `servers`: real NATS and Redis. `e2e`: those, Prosody and ejabberd, and all four services as processes.
/** More files at a time than a small machine has cores: tests wait for servers and clocks most of the time. */
const waiters = 3;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['libs/**/*.test.ts', 'services/**/*.test.ts', 'test/{unit,golden}/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.servers.test.ts', 'deploy/local/servers/**'],
          testTimeout: 30_000,
          maxWorkers: waiters,
        },
      },
      {
        test: {
          name: 'servers',
          include: ['deploy/local/servers/**/*.test.ts', '**/*.servers.test.ts'],
          exclude: ['**/node_modules/**'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          maxWorkers: waiters,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 240_000,
          // One mesh after the other: each is a dozen processes, and two of them share two cores badly.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
