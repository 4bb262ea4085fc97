import { describeFaults } from './fault-suite.ts';

// On ejabberd the first error that is not `wait` costs a registration.
describeFaults('ejabberd', [
  ['push API refusing', 3_000],
  ['push API throttling', 1_000],
  ['gateway away', 2_000],
  ['Redis answers READONLY', 500],
  ['NATS without JetStream', 3_000],
  ['stream full', 4_500],
]);
