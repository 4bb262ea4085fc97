import { describeFaults } from './fault-suite.ts';

// The faults in which Prosody itself takes part: it answers for an absent component, and accepts one stream for each name.
describeFaults('prosody', [
  ['gateway away', 2_000],
  ['rolling restart', 0],
]);
