import { describeFaults } from './describe-faults.ts';

// On ejabberd, because the first error that is not `wait` costs a registration there.
describeFaults('ejabberd', [
  ['gateway away', 2_000],
  ['rolling restart', 0],
  ['push API refusing', 1_000],
  ['push API throttling', 1_000],
  ['Redis answers READONLY', 500],
  ['NATS without JetStream', 1_000],
  ['stream full', 4_500],
]);
