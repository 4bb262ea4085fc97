import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where `npm start` keeps its state; ignored by Git. */
export const dataDir = fileURLToPath(new URL('../../.pushmesh', import.meta.url));

/** Written once everything is running, removed when it stops: this is how `npm run demo` finds the mesh. */
export const endpointsFile = join(dataDir, 'endpoints.json');

/** Identifies the process that runs the mesh in this folder. */
export const pidFile = join(dataDir, 'start.pid');

/** Identifies the demo that is running: two at once would keep each other's users online. */
export const demoFile = join(dataDir, 'demo.pid');
