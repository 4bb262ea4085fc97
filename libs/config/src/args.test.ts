import { expect, it } from 'vitest';
import { parseCommandLine, parseList } from './args.ts';

const line = {
  usage: 'Usage: npm run x -- [--only NAME,…]',
  options: { only: { type: 'string' }, deep: { type: 'boolean', default: false } },
  read: ({ only, deep }: { only?: string; deep: boolean }, problems: string[]) => ({
    only: parseList('--only', only, ['a', 'b c'], problems),
    deep,
  }),
} as const;

it.each([
  [[], { only: ['a', 'b c'], deep: false }],
  [['--only', 'b c, a', '--deep'], { only: ['b c', 'a'], deep: true }],
])('reads %j', (args, value) => {
  expect(parseCommandLine(line, args)).toEqual({ type: 'parsed', value });
});

it.each([
  [['--only', 'a,z'], '--only: there is no "z"'],
  [['--party'], "Unknown option '--party'"],
  [['party'], "Unexpected argument 'party'"],
  [['--only'], "Option '--only <value>' argument missing"],
])('reports what is wrong with %j', (args, why) => {
  expect(parseCommandLine(line, args)).toEqual({ type: 'invalid', text: `${why}\n${line.usage}` });
});

it('accepts positional arguments if the command takes them', () => {
  const words = { ...line, allowPositionals: true, read: (_: object, __: string[], all: readonly string[]) => all };
  expect(parseCommandLine(words, ['one', '--deep', 'two'])).toEqual({ type: 'parsed', value: ['one', 'two'] });
});

it('prints the usage for --help, whatever else is given', () => {
  for (const help of ['--help', '-h'])
    expect(parseCommandLine(line, ['--party', help])).toEqual({ type: 'help', text: line.usage });
});
