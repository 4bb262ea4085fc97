import { describe, expect, it } from 'vitest';
import { createResolve } from './guarded-lookup.ts';

const four = ['192.0.2.1', '1.1.1.1'];
const six = ['2606:4700:4700::1111'];
const silence = new Promise<never>(() => {});
const nothing = () => Promise.reject(new Error('ENODATA'));

type Answers = () => Promise<string[]>;
const addressesOf = (resolve4: Answers, resolve6: Answers) =>
  createResolve({ resolve4, resolve6 } as unknown as NonNullable<Parameters<typeof createResolve>[0]>)('a.example');

describe('createResolve', () => {
  it.each<[string, Answers, Answers, string[]]>([
    ['both families', async () => four, async () => six, [...four, ...six]],
    ['what there is, when AAAA is never answered', async () => four, () => silence, four],
    ['what there is, when A is never answered', () => silence, async () => six, six],
    ['only one family', nothing, async () => six, six],
    ['private addresses, for the guard to refuse', async () => ['10.0.0.1'], nothing, ['10.0.0.1']],
    [
      'the later family, if the first has no public address',
      async () => ['10.0.0.1'],
      () => new Promise((resolve) => setTimeout(() => resolve(six), 200)),
      ['10.0.0.1', ...six],
    ],
  ])('finds %s', async (_what, resolve4, resolve6, addresses) => {
    expect(await addressesOf(resolve4, resolve6)).toEqual(addresses);
  });

  it('rejects if there is none', async () => {
    await expect(addressesOf(nothing, nothing)).rejects.toThrow('the host has no address');
  });
});
