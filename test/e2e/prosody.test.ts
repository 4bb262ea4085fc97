import { describeMesh } from './mesh-suite.ts';

// Prosody drops a registration after `push_max_errors` errors in a row that are not `wait`, and lets only one stream hold a
// component name.
describeMesh({ server: 'prosody', dropsAfterErrors: 2, streamMode: 'exclusive' });
