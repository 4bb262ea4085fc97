import { expect, it } from 'vitest';
import { createBatcher, endOfTurn } from './index.ts';

/** A batcher whose batches leave at the end of the turn, or never; the outcome of each batch is its number. */
const batcherOf = (maxItems: number, leaves = () => true) => {
  const sent: (readonly string[])[] = [];
  const add = createBatcher<string, number>(maxItems, async (take) => {
    await endOfTurn();
    return leaves() ? sent.push(take()) : 0;
  });
  return { add, sent };
};

it('puts the items of one turn into one batch, and gives each its index', async () => {
  const { add, sent } = batcherOf(9);
  expect(await Promise.all(['a', 'b'].map(add))).toEqual([
    { index: 0, outcome: 1 },
    { index: 1, outcome: 1 },
  ]);
  expect(await add('c')).toEqual({ index: 0, outcome: 2 });
  expect(sent).toEqual([['a', 'b'], ['c']]);
});

it('opens another batch when one is full', async () => {
  const { add, sent } = batcherOf(2);
  await Promise.all(['a', 'b', 'c', 'd', 'e'].map(add));
  expect(sent).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
});

it('adds nothing to a batch that ended without leaving', async () => {
  let away = true;
  const { add, sent } = batcherOf(9, () => !away);
  expect(await add('a')).toEqual({ index: 0, outcome: 0 });
  away = false;
  expect(await add('b')).toEqual({ index: 0, outcome: 1 });
  expect(sent).toEqual([['b']]);
});

it('adds nothing to a batch that has left and is still waiting for its outcome', async () => {
  const sent: (readonly string[])[] = [];
  const add = createBatcher<string, number>(9, async (take) => {
    await endOfTurn();
    const number = sent.push([...take()]);
    await endOfTurn();
    await endOfTurn();
    return number;
  });
  const first = add('a');
  await endOfTurn();
  await endOfTurn();
  expect(await Promise.all([first, add('b')])).toEqual([
    { index: 0, outcome: 1 },
    { index: 0, outcome: 2 },
  ]);
  expect(sent).toEqual([['a'], ['b']]);
});
