import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where `npm start` keeps its state, out of version control. */
export const dataDir = fileURLToPath(new URL('../../.pushmesh', import.meta.url));

/** Written when everything runs, removed when it stops: how `npm run demo` finds the mesh. */
export const endpointsFile = join(dataDir, 'endpoints.json');
