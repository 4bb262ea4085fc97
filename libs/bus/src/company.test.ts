import { setImmediate as endOfTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createCompany } from './company.ts';

/** A company whose messages leave at the end of the turn, or never; what came of each is its number. */
const companyOf = (most: number, leaves = () => true) => {
  const sent: (readonly string[])[] = [];
  const join = createCompany<string, number>(most, async (leave) => {
    await endOfTurn();
    return leaves() ? sent.push(leave()) : 0;
  });
  return { join, sent };
};

it('puts what is given in one turn into one message, and tells each its place', async () => {
  const { join, sent } = companyOf(9);
  expect(await Promise.all(['a', 'b'].map(join))).toEqual([
    { place: 0, outcome: 1 },
    { place: 1, outcome: 1 },
  ]);
  expect(await join('c')).toEqual({ place: 0, outcome: 2 });
  expect(sent).toEqual([['a', 'b'], ['c']]);
});

it('opens another message when one is full', async () => {
  const { join, sent } = companyOf(2);
  await Promise.all(['a', 'b', 'c', 'd', 'e'].map(join));
  expect(sent).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
});

it('nothing joins a message that ended without having left', async () => {
  let away = true;
  const { join, sent } = companyOf(9, () => !away);
  expect(await join('a')).toEqual({ place: 0, outcome: 0 });
  away = false;
  expect(await join('b')).toEqual({ place: 0, outcome: 1 });
  expect(sent).toEqual([['b']]);
});

it('nothing joins a message that has left and has no answer yet', async () => {
  const sent: (readonly string[])[] = [];
  const join = createCompany<string, number>(9, async (leave) => {
    await endOfTurn();
    const number = sent.push([...leave()]);
    await endOfTurn();
    await endOfTurn();
    return number;
  });
  const first = join('a');
  await endOfTurn();
  await endOfTurn();
  expect(await Promise.all([first, join('b')])).toEqual([
    { place: 0, outcome: 1 },
    { place: 0, outcome: 2 },
  ]);
  expect(sent).toEqual([['a'], ['b']]);
});
