import { describeMesh } from './mesh-suite.ts';

// ejabberd drops a registration on the first error that is not `wait`, and spreads stanzas over all streams of a component.
describeMesh({ server: 'ejabberd', dropsAfterErrors: 1, streamMode: 'shared' });
