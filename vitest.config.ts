import { defineConfig } from 'vitest/config';

// Three kinds of tests, by what they need. `unit`: only files, or a peer on loopback that the test starts itself.
// `servers`: real NATS and Redis. `e2e`: also Prosody and ejabberd, and all four services as processes.

/** More than a small machine has cores, because tests mostly wait for servers and clocks. */
const maxWorkers = 3;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['libs/**/*.test.ts', 'services/**/*.test.ts', 'test/{unit,golden}/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.servers.test.ts', 'deploy/local/servers/**'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
          maxWorkers,
        },
      },
      {
        test: {
          name: 'servers',
          include: ['deploy/local/servers/**/*.test.ts', '**/*.servers.test.ts'],
          exclude: ['**/node_modules/**'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          maxWorkers,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 240_000,
          // One mesh at a time: each is a dozen processes, and two of them are too many for two cores.
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
