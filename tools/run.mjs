// Runs a TypeScript file, or with `--bin NAME` a program from node_modules, on a recent enough Node.js: the current
// one, or the one that tools/ensure-node.mjs installed. Plain JavaScript, because Node.js 20 must be able to run this
// file. Signals and the exit status are passed on.
import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isNewEnough, minimum } from './node-version.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

const installedNode = () => {
  const modules = join(root, 'tools', 'node-runtime', 'node_modules');
  return ['node', 'node-bin']
    .map((name) => join(modules, `${name}-${process.platform}-${process.arch}`, 'bin', 'node'))
    .find((path) => existsSync(path));
};

/**
 * The script of a program in node_modules, so that it runs on this Node.js and not on the one that its shebang finds.
 */
const scriptOf = (name) => realpathSync(join(root, 'node_modules', '.bin', name));

const node = isNewEnough(process.versions.node) ? process.execPath : installedNode();
if (!node) {
  console.error(
    `pushmesh needs Node.js ${minimum.join('.')} or newer; this is ${process.versions.node}. ` +
      'Run `npm ci` (it installs one for this checkout) or install Node.js 24.',
  );
  process.exit(1);
}

const [first, ...rest] = process.argv.slice(2);
const args = first === '--bin' ? [scriptOf(rest[0]), ...rest.slice(1)] : [first, ...rest];
const child = spawn(node, args, {
  stdio: 'inherit',
  env: {
    ...process.env,
    PATH: dirname(node) + delimiter + (process.env['PATH'] ?? ''),
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(root, 'node_modules', '.cache', 'node-compile'),
  },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  process.exitCode = code ?? 1;
  if (!signal) return;
  // The handler only passes the signal on; without it, this process ends as the child did.
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
