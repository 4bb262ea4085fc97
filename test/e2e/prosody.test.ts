import { describeMesh } from './mesh-suite.ts';

// Prosody drops a registration after `push_max_errors` errors in a row that are not `wait`, and lets one stream have the
// name of a component.
describeMesh('prosody', 2, 'exclusive');
