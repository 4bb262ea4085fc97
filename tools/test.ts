// `npm test`: the checks, then every test, on real servers. The last lines say what ran where.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareServers } from '@pushmesh/servers';

type Report = {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly unknown[];
  }[];
};

const filters = process.argv.slice(2);
if (filters.includes('--help') || filters.includes('-h')) {
  console.log(
    'Usage: npm test -- [--project unit|servers|e2e] [PATH …]   (default: all; arguments are passed to vitest)',
  );
  process.exit(0);
}

const root = fileURLToPath(new URL('..', import.meta.url));
const run = (...args: string[]): number =>
  spawnSync(process.execPath, [join(root, 'tools', 'run.mjs'), ...args], { cwd: root, stdio: 'inherit' }).status ?? 1;

console.log('Checks: types, lint, formatting, unused code, generated reference');
if (spawnSync('npm', ['run', '--silent', 'check'], { cwd: root, stdio: 'inherit' }).status !== 0) {
  console.error('The checks failed, so no tests were run. `npm run check` runs only the checks.');
  process.exit(1);
}

console.log('\nServers');
const servers = await prepareServers(['nats', 'redis', 'prosody', 'ejabberd'], {
  prefer: 'containers',
  report: (line) => console.log(`  ${line}`),
});

const folder = mkdtempSync(join(tmpdir(), 'pushmesh-test-'));
const reportFile = join(folder, 'report.json');
const status = run(
  '--bin',
  'vitest',
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${reportFile}`,
  ...filters,
);
if (!existsSync(reportFile)) {
  console.error('vitest wrote no report; see its output above.');
  process.exit(1);
}
const report = JSON.parse(readFileSync(reportFile, 'utf8')) as Report;
rmSync(folder, { recursive: true, force: true });

const kindOf = (name: string): string =>
  name.includes('/test/e2e/')
    ? 'end to end'
    : /\.servers\.test\.ts$|\/local\/servers\//.test(name)
      ? 'on servers'
      : 'unit and contract';
const counts = new Map<string, number>();
for (const { name, assertionResults } of report.testResults)
  counts.set(kindOf(name), (counts.get(kindOf(name)) ?? 0) + assertionResults.length);

const skipped = report.numPendingTests + report.numTodoTests;
// A file that cannot be loaded reports no failed test, so the file itself counts as one.
const brokenFiles = report.testResults.filter(
  ({ status: each, assertionResults }) => each === 'failed' && assertionResults.length === 0,
).length;
console.log('\nWhat ran where');
for (const [server, how] of Object.entries(servers)) console.log(`  ${server.padEnd(10)} ${how}`);
for (const [kind, count] of counts) console.log(`  ${kind.padEnd(18)} ${count} tests`);
console.log(`${report.numPassedTests} passed, ${report.numFailedTests + brokenFiles} failed, ${skipped} skipped`);
if (skipped > 0) console.error('A skipped test proves nothing, so it counts as a failure.');
process.exitCode = status !== 0 || skipped > 0 ? 1 : 0;
