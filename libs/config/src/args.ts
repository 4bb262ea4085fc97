import { parseArgs } from 'node:util';
import type { ParseArgsConfig } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<O extends Options> = ReturnType<typeof parseArgs<{ options: O }>>['values'];

/** What a command line may say, and what is made of it; `read` adds what it finds wrong to `problems`. */
export type CommandLine<O extends Options, T> = {
  /** How to call the command, for people. */
  readonly usage: string;
  readonly options: O;
  /** Whether it takes words that belong to no option. Default: no. */
  readonly takesWords?: boolean;
  readonly read: (values: Values<O>, problems: string[], words: readonly string[]) => T;
};

type Parsed<T> =
  { readonly type: 'asks'; readonly value: T } | { readonly type: 'help' | 'wrong'; readonly text: string };

export const parseCommandLine = <const O extends Options, T>(
  { usage, options, takesWords = false, read }: CommandLine<O, T>,
  args: string[],
): Parsed<T> => {
  if (args.includes('--help') || args.includes('-h')) return { type: 'help', text: usage };
  const problems: string[] = [];
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: takesWords });
    const value = read(values, problems, positionals);
    return problems.length === 0 ? { type: 'asks', value } : { type: 'wrong', text: [...problems, usage].join('\n') };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code?.startsWith('ERR_PARSE_ARGS_')) throw error;
    // What follows the first sentence is about arguments that begin with a dash.
    return { type: 'wrong', text: `${message.split('. ')[0]}\n${usage}` };
  }
};

/** What the command line of this process asks for. Help ends the process with 0; what is wrong is said, and it ends with 2. */
export const readCommandLine = <const O extends Options, T>(line: CommandLine<O, T>): T => {
  const parsed = parseCommandLine(line, process.argv.slice(2));
  switch (parsed.type) {
    case 'asks':
      return parsed.value;
    case 'help':
      console.log(parsed.text);
      process.exit(0);
    case 'wrong':
      console.error(parsed.text);
      process.exit(2);
  }
};

/** The words of a list with commas, all of `known` when it is absent; the usage tells which there are. */
export const someOf = (name: string, list: string | undefined, known: readonly string[], problems: string[]) => {
  const words = list?.split(',').map((word) => word.trim()) ?? known;
  const unknown = words.filter((word) => !known.includes(word));
  if (unknown.length > 0) problems.push(`${name}: there is no ${unknown.map((word) => `“${word}”`).join(', ')}`);
  return words;
};
