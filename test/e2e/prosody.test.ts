import { describeMesh } from './describe-mesh.ts';

// Prosody drops a registration after `push_max_errors` errors in a row that are not `wait`.
describeMesh('prosody', 2);
