// Runs after every `npm ci`. If the Node.js of this machine is too old to run the services, it installs a newer one in
// tools/node-runtime; otherwise it does nothing.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { isNewEnough } from './node-version.mjs';

if (!isNewEnough(process.versions.node)) {
  const npm = process.env['npm_execpath'];
  const [command, args] = npm ? [process.execPath, [npm]] : ['npm', []];
  console.log(`Node.js ${process.versions.node} is too old for pushmesh: installing Node.js 24 for this checkout …`);
  const { status, error } = spawnSync(command, [...args, 'ci', '--no-audit', '--no-fund'], {
    cwd: fileURLToPath(new URL('node-runtime/', import.meta.url)),
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 600_000,
  });
  if (status !== 0) {
    console.error(
      `Could not install Node.js 24 into tools/node-runtime (${error?.message ?? `npm ci exited with status ${status}`}).\n` +
        'Install Node.js 22.19 or newer yourself, then run this command again.',
    );
    process.exit(1);
  }
}
