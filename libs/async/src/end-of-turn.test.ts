import { expect, it } from 'vitest';
import { atEndOfTurn, endOfTurn } from './index.ts';

it('sends in order at the end of the turn, and a send that throws fails alone', async () => {
  const log: unknown[] = [];
  const bug = new Error('bug');
  const failed = (error: unknown) => log.push(error);
  atEndOfTurn(() => log.push('a'), failed);
  atEndOfTurn(() => {
    throw bug;
  }, failed);
  atEndOfTurn(() => log.push('b'), failed);
  await Promise.resolve();
  expect(log).toEqual([]);
  await endOfTurn();
  expect(log).toEqual(['a', bug, 'b']);
});

it('leaves what is added while it sends for the end of the next turn', async () => {
  const log: string[] = [];
  const failed = (error: unknown) => {
    throw error;
  };
  atEndOfTurn(() => {
    log.push('a');
    atEndOfTurn(() => log.push('b'), failed);
  }, failed);
  await endOfTurn();
  expect(log).toEqual(['a']);
  await endOfTurn();
  expect(log).toEqual(['a', 'b']);
});
