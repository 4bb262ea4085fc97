import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { takeFolder, writeCredentials } from './credentials-folder.ts';

const known = {
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

it('keeps to its owner what was open to others before, and follows no link', () => {
  const dir = newFolder();
  const elsewhere = join(newFolder(), 'elsewhere');
  writeFileSync(elsewhere, 'as before');
  expect(takeFolder(dir)).toBeUndefined();
  writeCredentials(dir, known);
  for (const name of ['', 'vapid.pem', 'push-service.env']) chmodSync(join(dir, name), 0o777);
  rmSync(join(dir, 'service-account.json'));
  symlinkSync(elsewhere, join(dir, 'service-account.json'));
  expect(takeFolder(dir)).toBeUndefined();
  writeCredentials(dir, known);
  expect(modeOf(dir)).toBe(0o700);
  for (const name of ['vapid.pem', 'service-account.json', 'push-service.env'])
    expect(modeOf(join(dir, name))).toBe(0o600);
  expect(readFileSync(elsewhere, 'utf8')).toBe('as before');
});

it('writes variables that a shell reads as they are', () => {
  const dir = join(newFolder(), "it's $(echo mine); `true`");
  mkdirSync(dir);
  const variables = writeCredentials(dir, known);
  const script = '. "$1/push-service.env"; printf %s "$NODE_EXTRA_CA_CERTS"';
  expect(execFileSync('sh', ['-c', script, 'sh', dir], { encoding: 'utf8' })).toBe(variables['NODE_EXTRA_CA_CERTS']);
});

it.each(['service-account.json', 'push-service.env'])('leaves alone a folder whose %s is of others', (name) => {
  const dir = newFolder();
  writeFileSync(join(dir, name), "PUSH_FCM_ENABLED='true'\n");
  chmodSync(dir, 0o755);
  expect(takeFolder(dir)).toBe(`${dir} holds what the fakes did not write; name a new folder, or an empty one`);
  expect(modeOf(dir)).toBe(0o755);
});

it('says what is wrong with a folder that it cannot have', () => {
  const file = join(newFolder(), 'a file');
  writeFileSync(file, '');
  expect(takeFolder(file)).toBe(`${file} cannot be a folder of your own: it is a file`);
  expect(takeFolder(join(file, 'below'))).toContain('a part of its path is a file');
});

it('makes a folder with those above it, and says so where none can be made', () => {
  const dir = join(newFolder(), 'a', 'b');
  expect(takeFolder(dir)).toBeUndefined();
  expect(modeOf(dir)).toBe(0o700);
  // In a process of its own: what it is about is a loop without an end.
  const script = `import { takeFolder } from '${new URL('credentials-dir.ts', import.meta.url).href}'; console.log(takeFolder('/proc/nope/below'))`;
  const args = ['--input-type=module', '--eval', script];
  const output = execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000, killSignal: 'SIGKILL' });
  expect(output).toContain('cannot be a folder of your own');
});
