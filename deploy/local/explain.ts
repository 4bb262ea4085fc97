// `npm run explain`: what became of a push; beside a running `npm start`, of a push through its mesh.
import { readFileSync } from 'node:fs';
import { endpointsFile } from './data-dir.ts';
import type { Endpoints } from './mesh.ts';

const natsOfMesh = (): string | undefined => {
  try {
    return (JSON.parse(readFileSync(endpointsFile, 'utf8')) as Endpoints).nats;
  } catch {
    // Nothing runs here: the services’ own default holds.
    return undefined;
  }
};

const nats = process.env['NATS_URL'] || process.env['NATS_URL_FILE'] ? undefined : natsOfMesh();
if (nats !== undefined) process.env['NATS_URL'] = nats;
await import('../../services/dispatcher/src/explain.ts');
