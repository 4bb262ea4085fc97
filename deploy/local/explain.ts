// `npm run explain`: shows what became of a push. If `npm start` is running, it looks at that mesh.
import { readFileSync } from 'node:fs';
import { endpointsFile } from './data-dir.ts';
import type { Endpoints } from './mesh.ts';

const natsOfMesh = (): string | undefined => {
  try {
    return (JSON.parse(readFileSync(endpointsFile, 'utf8')) as Endpoints).nats;
  } catch {
    // Nothing is running here: the default of the services applies.
    return undefined;
  }
};

const nats = process.env['NATS_URL'] || process.env['NATS_URL_FILE'] ? undefined : natsOfMesh();
if (nats !== undefined) process.env['NATS_URL'] = nats;
await import('../../services/dispatcher/src/explain.ts');
