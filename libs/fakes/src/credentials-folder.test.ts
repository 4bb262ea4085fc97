import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { takeFolder, writeCredentials } from './credentials-folder.ts';

const connectionDetails = {
  ca: 'the ca',
  apns: {
    key: { p8: 'p8', keyId: 'KEY', teamId: 'TEAM' },
    origins: { prod: 'https://localhost:1', dev: 'https://localhost:2' },
  },
  fcm: { origin: 'https://localhost:3', tokenUri: 'https://localhost:4/token', accounts: { project: '{}' } },
  webPush: { origin: 'https://localhost:5' },
};
const newFolder = () => mkdtempSync(join(tmpdir(), 'pushmesh-fakes-'));
const modeOf = (path: string) => statSync(path).mode & 0o777;

it('restricts files to their owner even if others had access before, and follows no link', () => {
  const dir = newFolder();
  const elsewhere = join(newFolder(), 'elsewhere');
  writeFileSync(elsewhere, 'unchanged');
  expect(takeFolder(dir)).toBeUndefined();
  writeCredentials(dir, connectionDetails);
  for (const name of ['', 'vapid.pem', 'push-service.env']) chmodSync(join(dir, name), 0o777);
  rmSync(join(dir, 'service-account.json'));
  symlinkSync(elsewhere, join(dir, 'service-account.json'));
  expect(takeFolder(dir)).toBeUndefined();
  writeCredentials(dir, connectionDetails);
  expect(modeOf(dir)).toBe(0o700);
  for (const name of ['vapid.pem', 'service-account.json', 'push-service.env'])
    expect(modeOf(join(dir, name))).toBe(0o600);
  expect(readFileSync(elsewhere, 'utf8')).toBe('unchanged');
});

it('writes variables that a shell takes literally', () => {
  const dir = join(newFolder(), "it's $(echo mine); `true`");
  mkdirSync(dir);
  const variables = writeCredentials(dir, connectionDetails);
  const script = '. "$1/push-service.env"; printf %s "$NODE_EXTRA_CA_CERTS"';
  expect(execFileSync('sh', ['-c', script, 'sh', dir], { encoding: 'utf8' })).toBe(variables['NODE_EXTRA_CA_CERTS']);
});

it.each(['service-account.json', 'push-service.env'])('leaves alone a folder whose %s is not its own', (name) => {
  const dir = newFolder();
  writeFileSync(join(dir, name), "PUSH_FCM_ENABLED='true'\n");
  chmodSync(dir, 0o755);
  expect(takeFolder(dir)).toBe(
    `${dir} contains files that the fakes did not write; choose a new folder or an empty one`,
  );
  expect(modeOf(dir)).toBe(0o755);
});

it('says why a folder cannot be used', () => {
  const file = join(newFolder(), 'a file');
  writeFileSync(file, '');
  expect(takeFolder(file)).toBe(`${file} cannot be used as a private folder: it is a file`);
  expect(takeFolder(join(file, 'below'))).toContain('a part of its path is a file');
});

it('creates a folder with its parents, and says so if none can be created', () => {
  const dir = join(newFolder(), 'a', 'b');
  expect(takeFolder(dir)).toBeUndefined();
  expect(modeOf(dir)).toBe(0o700);
  // In a separate process, because the failure that it tests for is an endless loop.
  const script = `import { takeFolder } from '${new URL('credentials-folder.ts', import.meta.url).href}'; console.log(takeFolder('/proc/nope/below'))`;
  const args = ['--input-type=module', '--eval', script];
  const output = execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000, killSignal: 'SIGKILL' });
  expect(output).toContain('cannot be used as a private folder');
});
