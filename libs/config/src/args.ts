import { parseArgs } from 'node:util';
import type { ParseArgsConfig } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<O extends Options> = ReturnType<typeof parseArgs<{ options: O }>>['values'];

/** The options of a command, and what they are read into; `read` adds every mistake that it finds to `problems`. */
export type CommandLine<O extends Options, T> = {
  /** How to call the command, for humans. */
  readonly usage: string;
  readonly options: O;
  /** Whether there may be arguments that belong to no option. Default: no. */
  readonly allowPositionals?: boolean;
  readonly read: (values: Values<O>, problems: string[], positionals: readonly string[]) => T;
};

type Parsed<T> =
  { readonly type: 'parsed'; readonly value: T } | { readonly type: 'help' | 'invalid'; readonly text: string };

export const parseCommandLine = <const O extends Options, T>(
  { usage, options, allowPositionals = false, read }: CommandLine<O, T>,
  args: string[],
): Parsed<T> => {
  if (args.includes('--help') || args.includes('-h')) return { type: 'help', text: usage };
  const problems: string[] = [];
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals });
    const value = read(values, problems, positionals);
    return problems.length === 0
      ? { type: 'parsed', value }
      : { type: 'invalid', text: [...problems, usage].join('\n') };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code?.startsWith('ERR_PARSE_ARGS_')) throw error;
    // The sentences after the first explain arguments that begin with a dash.
    return { type: 'invalid', text: `${message.split('. ')[0]}\n${usage}` };
  }
};

/** Reads this process's command line. For `--help`, prints the usage and exits with 0; for mistakes, exits with 2. */
export const readCommandLine = <const O extends Options, T>(line: CommandLine<O, T>): T => {
  const parsed = parseCommandLine(line, process.argv.slice(2));
  switch (parsed.type) {
    case 'parsed':
      return parsed.value;
    case 'help':
      console.log(parsed.text);
      process.exit(0);
    case 'invalid':
      console.error(parsed.text);
      process.exit(2);
  }
};

/** The words of a comma-separated list; all of `known` if it is absent. The usage names the known ones. */
export const parseList = (name: string, list: string | undefined, known: readonly string[], problems: string[]) => {
  const words = list?.split(',').map((word) => word.trim()) ?? known;
  const unknown = words.filter((word) => !known.includes(word));
  if (unknown.length > 0) problems.push(`${name}: there is no ${unknown.map((word) => `"${word}"`).join(', ')}`);
  return words;
};
