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

it('claims what nobody holds, once', () => {
  const file = freshFile();
  expect(claim(file)).toBeUndefined();
  expect(claim(file)).toEqual(identify(process.pid));
});

it.each([
  ['a process that is gone, whose number another one has now', { pid: process.ppid, began: 'before the power went' }],
  ['a process whose number nobody has', { pid: 2 ** 30, began: 'once' }],
  ['nobody: the note was cut short', undefined],
  ['nobody: a note of an earlier version, a bare number', process.ppid],
])('claims what is held by %s', (_who, holder) => {
  const file = freshFile();
  writeFileSync(file, JSON.stringify(holder) ?? '{"pid":');
  expect(claim(file)).toBeUndefined();
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(identify(process.pid));
});
