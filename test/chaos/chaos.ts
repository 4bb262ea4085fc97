// `npm run chaos`: every fault in turn, under real messages, on real XMPP servers. `--server prosody|ejabberd` and
// `--only FAULT,…` choose, `--json FILE` writes what came of it. It fails when something was not as it must be.
import { existsSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { readCommandLine, someOf } from '@pushmesh/config';
import type { XmppServerName } from '../../deploy/local/mesh.ts';
import { faults } from './faults.ts';
import type { Fault } from './faults.ts';
import { problemsOf, tableOf } from './report.ts';
import type { Row } from './report.ts';
import { createTheatre } from './shared-environment.ts';
import { runTrial } from './fault-run.ts';

/** No fault takes longer, its mesh included, and all of them together take no longer than `allMs`. */
const faultLimitMs = 180_000;
const allMs = 45 * 60_000;
const pace = { aroundMs: 2_000, faultMs: 6_000, settleMs: 75_000 };

const known = ['prosody', 'ejabberd'] as const;
const names = faults.map(({ name }) => name);
const { servers, chosen, json } = readCommandLine({
  usage: `Usage: npm run chaos -- [--server ${known.join('|')}] [--only FAULT,…] [--json FILE]\nThe faults are: ${names.join(', ')}`,
  options: { server: { type: 'string' }, only: { type: 'string' }, json: { type: 'string' } },
  read: (values, problems) => {
    const wantedServers = someOf('--server', values.server, known, problems);
    const wanted = someOf('--only', values.only, names, problems);
    // Better said before than after all that time.
    if (values.json !== undefined && !existsSync(dirname(values.json)))
      problems.push(`--json: there is no folder ${dirname(values.json)}`);
    return {
      servers: known.filter((name) => wantedServers.includes(name)),
      chosen: faults.filter(({ name }) => wanted.includes(name)),
      json: values.json,
    };
  },
});

const say = (line: string) => console.log(`  ${line}`);
const rows: Row[] = [];
const giveUpAt = Date.now() + allMs;
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    interrupted = true;
  });

const within = <T>(work: Promise<T>, ms: number): Promise<T> => {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`it did not end within ${Math.round(ms / 1000)} s`)), ms);
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
};

/** Plays all faults on one server; a mesh serves them for as long as they need the same variables and leave it well. */
const playAll = async (server: XmppServerName): Promise<void> => {
  const theatre = createTheatre(server, say);
  const play = async (fault: Fault): Promise<Row> => {
    const work = async () => runTrial(await theatre.stageFor(fault), fault, pace);
    try {
      const trial = await within(work(), Math.min(faultLimitMs, giveUpAt - Date.now()));
      for (const why of trial.notReady) say(why);
      return { server, fault: fault.name, trial };
    } catch (error) {
      return { server, fault: fault.name, trial: (error as Error).message };
    }
  };
  try {
    for (const fault of chosen) {
      if (interrupted || Date.now() > giveUpAt) return;
      console.log(`${server}: ${fault.name} …`);
      const row = await play(fault);
      rows.push(row);
      const problems = problemsOf(row);
      for (const problem of problems) say(`PROBLEM: ${problem}`);
      if (problems.length > 0) await theatre.close('trouble');
    }
  } finally {
    await theatre.close('well');
  }
};

for (const server of servers) await playAll(server);

console.log(`\n${tableOf(rows)}`);
if (json !== undefined) writeFileSync(json, `${JSON.stringify(rows, null, 2)}\n`);
const bad = rows.filter((row) => problemsOf(row).length > 0);
for (const row of bad) console.error(`${row.server}, ${row.fault}: ${problemsOf(row).join('; ')}`);
const notPlayed = servers.length * chosen.length - rows.length;
if (notPlayed > 0) console.error(`${notPlayed} faults were not played: the time was over, or somebody stopped it`);
process.exitCode = bad.length + notPlayed > 0 ? 1 : 0;
