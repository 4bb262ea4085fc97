import { describeFaults } from './fault-suite.ts';

// What Prosody itself has a part in: it answers for a component that is away, and takes one stream for a name.
describeFaults('prosody', [
  ['gateway away', 2_000],
  ['rolling restart', 0],
]);
