// `npm run chaos`: injects every fault in turn, under real messages, on real XMPP servers, and fails if any expectation is
// not met. `--server prosody|ejabberd` and `--only FAULT,…` select runs, `--json FILE` writes the results.
import { existsSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { readCommandLine, parseList } from '@pushmesh/config';
import type { XmppServerName } from '../../deploy/local/mesh.ts';
import { runFault } from './fault-run.ts';
import { faults } from './faults.ts';
import type { Fault } from './faults.ts';
import { problemsOf, tableOf } from './report.ts';
import type { Row } from './report.ts';
import { createSharedEnvironment } from './shared-environment.ts';

/** Limit for one run, including the start of its environment. */
const runLimitMs = 180_000;
/** Limit for all runs together. */
const totalLimitMs = 45 * 60_000;
const timing = { steadyMs: 2_000, faultMs: 6_000, settleMs: 75_000 };

const known = ['prosody', 'ejabberd'] as const;
const names = faults.map(({ name }) => name);
const { servers, chosen, json } = readCommandLine({
  usage: `Usage: npm run chaos -- [--server ${known.join('|')}] [--only FAULT,…] [--json FILE]\nFaults: ${names.join(', ')}`,
  options: { server: { type: 'string' }, only: { type: 'string' }, json: { type: 'string' } },
  read: (values, problems) => {
    const wantedServers = parseList('--server', values.server, known, problems);
    const wanted = parseList('--only', values.only, names, problems);
    // Found out now rather than at the end of a long run.
    if (values.json !== undefined && !existsSync(dirname(values.json)))
      problems.push(`--json: there is no folder ${dirname(values.json)}`);
    return {
      servers: known.filter((name) => wantedServers.includes(name)),
      chosen: faults.filter(({ name }) => wanted.includes(name)),
      json: values.json,
    };
  },
});

const print = (line: string) => console.log(`  ${line}`);
const rows: Row[] = [];
const giveUpAt = Date.now() + totalLimitMs;
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    interrupted = true;
  });

const within = <T>(work: Promise<T>, ms: number): Promise<T> => {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`did not finish within ${Math.round(ms / 1000)} s`)), ms);
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
};

/** Runs all chosen faults on one server. After a run with problems its logs are kept, and the next run gets a new environment. */
const runAll = async (server: XmppServerName): Promise<void> => {
  const shared = createSharedEnvironment(server, print);
  const run = async (fault: Fault): Promise<Row> => {
    const work = async () => runFault(await shared.environmentFor(fault), fault, timing);
    try {
      const trial = await within(work(), Math.min(runLimitMs, giveUpAt - Date.now()));
      for (const why of trial.notReady) print(why);
      return { server, fault: fault.name, trial };
    } catch (error) {
      return { server, fault: fault.name, trial: (error as Error).message };
    }
  };
  try {
    for (const fault of chosen) {
      if (interrupted || Date.now() > giveUpAt) return;
      console.log(`${server}: ${fault.name} …`);
      const row = await run(fault);
      rows.push(row);
      const problems = problemsOf(row);
      for (const problem of problems) print(`PROBLEM: ${problem}`);
      if (problems.length > 0) await shared.stop('keep logs');
    }
  } finally {
    await shared.stop('delete logs');
  }
};

for (const server of servers) await runAll(server);

console.log(`\n${tableOf(rows)}`);
if (json !== undefined) writeFileSync(json, `${JSON.stringify(rows, null, 2)}\n`);
const failed = rows.filter((row) => problemsOf(row).length > 0);
for (const row of failed) console.error(`${row.server}, ${row.fault}: ${problemsOf(row).join('; ')}`);
const skipped = servers.length * chosen.length - rows.length;
if (skipped > 0) console.error(`${skipped} runs were skipped: time ran out, or the command was interrupted`);
process.exitCode = failed.length + skipped > 0 ? 1 : 0;
