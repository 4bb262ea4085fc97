import type { Problem } from '@pushmesh/config';
import type { NamedFile } from '../credentials/named-file.ts';

type Values = Readonly<Record<string, unknown>>;

/** `because` says in words what makes the variable necessary: `is not set, though …`. */
type Needed = { readonly problems: Problem[]; readonly because: string };

/** The value of a variable that must be set; `undefined` and a problem when it is not. */
export const requiredWord = (values: Values, variable: string, { problems, because }: Needed): string | undefined => {
  const value = values[variable];
  if (typeof value === 'string') return value;
  problems.push({ variable, why: `is not set, though ${because}` });
  return undefined;
};

/** The file that a variable must name; `undefined` and a problem when it names none. */
export const requiredFile = (values: Values, variable: string, needed: Needed): NamedFile | undefined => {
  const path = requiredWord(values, variable, needed);
  return path === undefined ? undefined : { path, namedBy: variable };
};
