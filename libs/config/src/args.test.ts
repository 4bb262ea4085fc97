import { expect, it } from 'vitest';
import { parseCommandLine, someOf } from './args.ts';

const line = {
  usage: 'Usage: npm run x -- [--only NAME,…]',
  options: { only: { type: 'string' }, deep: { type: 'boolean', default: false } },
  read: ({ only, deep }: { only?: string; deep: boolean }, problems: string[]) => ({
    only: someOf('--only', only, ['a', 'b c'], problems),
    deep,
  }),
} as const;

it.each([
  [[], { only: ['a', 'b c'], deep: false }],
  [['--only', 'b c, a', '--deep'], { only: ['b c', 'a'], deep: true }],
])('reads %j', (args, value) => {
  expect(parseCommandLine(line, args)).toEqual({ type: 'asks', value });
});

it.each([
  [['--only', 'a,z'], '--only: there is no “z”'],
  [['--party'], "Unknown option '--party'"],
  [['party'], "Unexpected argument 'party'"],
  [['--only'], "Option '--only <value>' argument missing"],
])('says what is wrong with %j', (args, why) => {
  expect(parseCommandLine(line, args)).toEqual({ type: 'wrong', text: `${why}\n${line.usage}` });
});

it('takes words where the command does', () => {
  const taking = { ...line, takesWords: true, read: (_: object, __: string[], words: readonly string[]) => words };
  expect(parseCommandLine(taking, ['one', '--deep', 'two'])).toEqual({ type: 'asks', value: ['one', 'two'] });
});

it('helps whatever else is asked', () => {
  for (const help of ['--help', '-h'])
    expect(parseCommandLine(line, ['--party', help])).toEqual({ type: 'help', text: line.usage });
});
