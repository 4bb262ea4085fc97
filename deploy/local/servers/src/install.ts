import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { catalogue, type ServerKind } from './catalogue.ts';
import { findProgram } from './program.ts';
import type { Report } from './launch.ts';

const aptScript = fileURLToPath(new URL('./apt-install.sh', import.meta.url));
const timeoutMs = 15 * 60_000;

/**
 * Installs these servers with the system's package manager. Returns the explanation to give if a server is still
 * missing afterwards, as the end of a sentence.
 */
export const install = async (kinds: readonly ServerKind[], report: Report): Promise<string> => {
  const manager = await findManager();
  if (manager === undefined) return 'no usable package manager (apt-get as root or with passwordless sudo, or brew)';
  const packages = kinds.flatMap((kind) => catalogue[kind].packages[manager.name]);
  const command = [...manager.command, ...packages];
  report(`installing ${packages.join(', ')} with ${manager.name} (only once)`);
  const { ok, output } = await run(command);
  const end = output.trimEnd().split('\n').slice(-10).join('\n');
  return ok
    ? `\`${command.join(' ')}\` did not install it`
    : `\`${command.join(' ')}\` failed with ${JSON.stringify(end)}`;
};

type Manager = { readonly name: 'apt' | 'brew'; readonly command: readonly string[] };

const findManager = async (): Promise<Manager | undefined> => {
  if (findProgram('apt-get')) {
    if (process.getuid?.() === 0) return { name: 'apt', command: ['sh', aptScript] };
    const sudo = findProgram('sudo');
    if (sudo && (await run([sudo.file, '-n', 'true'])).ok) {
      return { name: 'apt', command: [sudo.file, '-n', 'sh', aptScript] };
    }
  }
  const brew = findProgram('brew');
  // Homebrew refuses to run as root.
  return brew && process.getuid?.() !== 0 ? { name: 'brew', command: [brew.file, 'install'] } : undefined;
};

const run = ([file = '', ...args]: readonly string[]): Promise<{ ok: boolean; output: string }> =>
  new Promise((resolve) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const clock = setTimeout(() => child.kill(), timeoutMs);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    const end = (ok: boolean, text: string) => {
      clearTimeout(clock);
      resolve({ ok, output: text });
    };
    child.on('error', ({ message }) => end(false, message));
    child.on('close', (code) => end(code === 0, output));
  });
