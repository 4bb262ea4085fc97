import type { XmppServerName } from '../../deploy/local/mesh.ts';
import type { FaultRun } from './fault-run.ts';

/** One fault on one server; `trial` is the run, or why there is none. `--json` writes rows as they are. */
export type Row = { readonly server: XmppServerName; readonly fault: string; readonly trial: FaultRun | string };

export const problemsOf = ({ trial }: Row): readonly string[] => (typeof trial === 'string' ? [trial] : trial.problems);

const columns: readonly (readonly [string, (run: FaultRun) => number])[] = [
  ['messages', ({ messages }) => messages],
  ['publishes', ({ published }) => published],
  ['accepted', ({ accepted }) => accepted],
  ['`wait`', ({ waits }) => waits],
  ['unanswered', ({ unanswered }) => unanswered],
  ['of these delivered', ({ deliveredUnanswered }) => deliveredUnanswered],
  ['delivered', ({ delivered }) => delivered],
  ['duplicates', ({ duplicates }) => duplicates],
  ['lost', ({ lost }) => lost],
  ['registrations lost', ({ registrationsLost }) => registrationsLost],
  ['longest delay (ms)', ({ longestDelayMs }) => longestDelayMs],
];

/** The rows as a Markdown table. */
export const tableOf = (rows: readonly Row[]): string =>
  [
    ['server', 'fault', ...columns.map(([title]) => title)],
    ['---', '---', ...columns.map(() => '---:')],
    ...rows.map(({ server, fault, trial }) => [
      server,
      fault,
      ...(typeof trial === 'string' ? [trial] : columns.map(([, figure]) => String(figure(trial)))),
    ]),
  ]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
