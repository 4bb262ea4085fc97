import type { TObject, TSchema } from 'typebox';
import type { Env, Problem } from './problem.ts';

/** Which unknown variables count as mistakes: otherwise what they were meant to set would silently not happen. */
export type OwnNames = {
  /** Prefixes that only this service uses: every unknown variable is a mistake. */
  readonly prefixes?: readonly string[];
  /** Prefixes that others use too (REDIS_HOST): a variable is a mistake if it is nearly one of ours. */
  readonly shared?: readonly string[];
  /** Variables that others set in spite of such a prefix, and that mean nothing here. */
  readonly ignored?: readonly string[];
};

/** A problem for each such variable that `schema` does not declare, naming the one that was probably meant. */
export const problemsOfUnknown = (schema: TObject, env: Env, own: OwnNames): Problem[] => {
  const { prefixes = [], shared = [], ignored = [] } = own;
  const names = namesOf(schema);
  const known = new Set(names.map(({ spelled }) => spelled));
  const hasPrefix = (name: string, all: readonly string[]) => all.some((prefix) => name.startsWith(prefix));
  return Object.entries(env)
    .filter(([name, value]) => value && (hasPrefix(name, prefixes) || (hasPrefix(name, shared) && isTypo(name, names))))
    .filter(([name, value]) => !known.has(name) && !ignored.includes(name) && !isServiceLink(name, value))
    .map(([variable]) => {
      const meant = nearest(variable, names);
      return {
        variable,
        why: meant ? `is unknown; did you mean ${meant}? If not, remove it` : 'is unknown: remove it',
      };
    });
};

/** Whether Kubernetes or Docker set this variable to describe a service (service links), whatever its name. */
const isServiceLink = (name: string, value = ''): boolean =>
  /_SERVICE_(?:HOST|PORT(?:_\w+)?)$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?$|_ENV_/.test(name) ||
  isServiceAddress(name, value) ||
  (name.endsWith('_NAME') && /^\/[^/]+\/[^/]+$/.test(value));

/** For a service called `push-fcm` they set PUSH_FCM_PORT=tcp://10.0.0.1:80, which could be a variable of ours. */
export const isServiceAddress = (name: string, value = ''): boolean =>
  name.endsWith('_PORT') && /^(?:tcp|udp|sctp):\/\//.test(value);

type Name = { readonly spelled: string; readonly meant: string };

/**
 * The names to compare with, and what to suggest for each. For a variable that is itself a path, `X_FILE` is not
 * suggested: it would lead to a file that holds a path.
 */
const namesOf = (schema: TObject): readonly Name[] =>
  Object.entries<TSchema & { path?: boolean }>(schema.properties).flatMap(([name, { path }]) => [
    { spelled: name, meant: name },
    { spelled: `${name}_FILE`, meant: path ? name : `${name}_FILE` },
  ]);

/** Whether it differs from a known name by at most two letters. */
const isTypo = (name: string, names: readonly Name[]): boolean =>
  names.some(({ spelled }) => distance(name, spelled) <= 2);

/** The most similar name, unless more than a third of the letters differ. */
const nearest = (name: string, names: readonly Name[]): string | undefined =>
  names
    .map(({ spelled, meant }) => ({ meant, differ: distance(name, spelled) }))
    .filter(({ differ }) => differ <= name.length / 3)
    .toSorted((one, other) => one.differ - other.differ)[0]?.meant;

/** How many letters to add, remove or change (Levenshtein distance). */
const distance = (one: string, other: string): number => {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1];
    for (let at = 1; at <= other.length; at += 1) {
      const changed = (row[at - 1] ?? 0) + (letter === other[at - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
};
