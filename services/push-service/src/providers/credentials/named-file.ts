import { readFileSync, statSync } from 'node:fs';
import { unreadable } from '@pushmesh/config';
import type { Problem } from '@pushmesh/config';

/** A file, and what named it: a variable, or a path inside the file that a variable names. */
export type NamedFile = { readonly path: string; readonly namedBy: string };

/** `digested` is what stands for the file when two reads are compared: its text, or why it cannot be read. */
type Text = { readonly digested: string } & (
  | {
      readonly ok: true;
      readonly text: string;
      /** Milliseconds since 1970. */
      readonly changedAt: number;
    }
  | { readonly ok: false; readonly problem: Problem }
);

export const readNamedFile = ({ path, namedBy }: NamedFile): Text => {
  try {
    const text = readFileSync(path, 'utf8');
    return { ok: true, text, digested: text, changedAt: statSync(path).mtimeMs };
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    return { ok: false, digested: code, problem: { variable: namedBy, why: unreadable(path, error) } };
  }
};
