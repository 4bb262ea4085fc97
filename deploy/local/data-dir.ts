import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where `npm start` keeps its state, out of version control. */
export const dataDir = fileURLToPath(new URL('../../.pushmesh', import.meta.url));

/** Written when everything runs, removed when it stops: how `npm run demo` finds the mesh. */
export const endpointsFile = join(dataDir, 'endpoints.json');

/** The process that runs the mesh of this folder. */
export const pidFile = join(dataDir, 'start.pid');

/** The demo that is under way: two at once would each keep the other’s users online. */
export const demoFile = join(dataDir, 'demo.pid');
