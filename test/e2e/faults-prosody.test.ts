import { describeFaults } from './describe-faults.ts';

// What Prosody itself has a part in: it answers for a component that is away.
describeFaults('prosody', [['gateway away', 2_000]]);
