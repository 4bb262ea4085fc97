import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { claim, identify } from './identity.ts';

const freshFile = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'pushmesh-claim-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'it.pid');
};

it('claims a file that nobody holds, once', () => {
  const file = freshFile();
  expect(claim(file)).toBeUndefined();
  expect(claim(file)).toEqual(identify(process.pid));
});

it.each([
  ['a process that is gone and whose pid was reused', { pid: process.ppid, began: 'before the power went' }],
  ['a process whose pid is not in use', { pid: 2 ** 30, began: 'once' }],
  ['nobody, as the file was cut short', undefined],
  ['nobody, as the file holds only a pid, from an earlier version', process.ppid],
])('claims a file that is held by %s', (_who, holder) => {
  const file = freshFile();
  writeFileSync(file, JSON.stringify(holder) ?? '{"pid":');
  expect(claim(file)).toBeUndefined();
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(identify(process.pid));
});
