// `npm run chaos`: every fault in turn, under real messages, on real XMPP servers. `--server prosody|ejabberd` and
// `--only FAULT,…` choose, `--json FILE` writes what came of it. It fails when something was not as it must be.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { XmppServerName } from '../../deploy/local/mesh.ts';
import { faults } from './faults.ts';
import type { Fault } from './faults.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';
import { runTrial } from './trial.ts';
import type { Trial } from './trial.ts';

/** No fault takes longer, its mesh included, and all of them together take no longer than `allMs`. */
const faultLimitMs = 180_000;
const allMs = 45 * 60_000;
const pace = { aroundMs: 2_000, faultMs: 6_000, settleMs: 75_000 };

type Row = { readonly server: XmppServerName; readonly fault: string; readonly trial: Trial | string };

const { values } = parseArgs({
  options: { server: { type: 'string' }, only: { type: 'string' }, json: { type: 'string' } },
});
const known = ['prosody', 'ejabberd'] as const;
const servers = known.filter((name) => values.server === undefined || values.server === name);
const wanted = values.only?.split(',').map((name) => name.trim());
const chosen = faults.filter(({ name }) => wanted?.includes(name) ?? true);
const unknown = wanted?.filter((name) => !faults.some((fault) => fault.name === name)) ?? [];
if (servers.length === 0 || unknown.length > 0) {
  console.error(
    `Usage: npm run chaos -- [--server ${known.join('|')}] [--only FAULT,…] [--json FILE]\n` +
      `The faults are: ${faults.map(({ name }) => name).join(', ')}`,
  );
  process.exit(2);
}

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

/** A mesh serves one fault after the other, for as long as they need the same variables and leave it well. */
const runAll = async (server: XmppServerName): Promise<void> => {
  let current: { readonly stage: Stage; readonly settings: string; readonly dataDir: string } | undefined;
  const close = async (after: 'well' | 'trouble'): Promise<void> => {
    const closing = current;
    current = undefined;
    await closing?.stage.close();
    if (closing && after === 'well') rmSync(closing.dataDir, { recursive: true, force: true });
    else if (closing) say(`the logs are kept in ${closing.dataDir}`);
  };
  const stageFor = async (fault: Fault): Promise<Stage> => {
    const settings = JSON.stringify(fault.settings ?? {});
    if (current?.settings === settings) return current.stage;
    await close('well');
    const dataDir = mkdtempSync(join(tmpdir(), 'pushmesh-chaos-'));
    const stage = await openStage(server, dataDir, fault.settings ?? {}, () => {});
    current = { stage, settings, dataDir };
    return stage;
  };
  try {
    for (const fault of chosen) {
      if (interrupted || Date.now() > giveUpAt) throw new Error('the time for all faults is over');
      console.log(`${server}: ${fault.name} …`);
      try {
        const work = async () => runTrial(await stageFor(fault), fault, pace);
        const trial = await within(work(), Math.min(faultLimitMs, giveUpAt - Date.now()));
        rows.push({ server, fault: fault.name, trial });
        for (const why of trial.notReady) say(why);
        for (const problem of trial.problems) say(`PROBLEM: ${problem}`);
        if (trial.problems.length > 0) await close('trouble');
      } catch (error) {
        rows.push({ server, fault: fault.name, trial: (error as Error).message });
        say(`PROBLEM: ${(error as Error).stack}`);
        await close('trouble');
      }
    }
  } finally {
    await close('well');
  }
};

for (const server of servers) await runAll(server).catch((error: Error) => say(error.message));

console.log(
  '\n| server | fault | messages | publishes | accepted | wait | unanswered | delivered | duplicates | lost | registrations lost | longest delay (ms) |' +
    '\n|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|',
);
for (const { server, fault, trial } of rows) {
  const figures =
    typeof trial === 'string'
      ? [trial]
      : [
          trial.messages,
          trial.published,
          trial.accepted,
          trial.waits,
          trial.unanswered,
          trial.delivered,
          trial.duplicates,
          trial.lost,
          trial.registrationsLost,
          trial.longestDelayMs,
        ];
  console.log(`| ${[server, fault, ...figures].join(' | ')} |`);
}
if (values.json) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
const bad = rows.filter(({ trial }) => typeof trial === 'string' || trial.problems.length > 0);
for (const { server, fault, trial } of bad)
  console.error(`${server}, ${fault}: ${typeof trial === 'string' ? trial : trial.problems.join('; ')}`);
const expected = servers.length * chosen.length;
if (rows.length < expected) console.error(`${expected - rows.length} faults were not played`);
process.exitCode = bad.length > 0 || rows.length < expected ? 1 : 0;
