import type { TObject, TSchema } from 'typebox';
import type { Env, Problem } from './read.ts';

/** Names that nobody else gives to variables: one that is not known is a mistake, and what it should do would not happen. */
export type OwnNames = {
  readonly prefixes: readonly string[];
  /** Those that others give all the same, and that have no meaning here. */
  readonly ignored?: readonly string[];
};

/** The variables with such names that `schema` does not know, each with the one that is likely meant. */
export const problemsOfUnknown = (schema: TObject, env: Env, { prefixes, ignored = [] }: OwnNames): Problem[] => {
  const names = namesOf(schema);
  const known = new Set(names.map(({ spelled }) => spelled));
  return Object.entries(env)
    .filter(([name, value]) => value && prefixes.some((prefix) => name.startsWith(prefix)))
    .filter(([name, value]) => !known.has(name) && !ignored.includes(name) && !isOfService(name, value))
    .map(([variable]) => {
      const meant = nearest(variable, names);
      return {
        variable,
        why: meant ? `is not known; is ${meant} meant? Remove it otherwise` : 'is not known: remove it',
      };
    });
};

/** What Kubernetes and Docker say of a service by environment variables, whatever it is called. */
const isOfService = (name: string, value = ''): boolean =>
  /_SERVICE_(?:HOST|PORT(?:_\w+)?)$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?$|_ENV_/.test(name) ||
  isAddressOfService(name, value) ||
  (name.endsWith('_NAME') && /^\/[^/]+\/[^/]+$/.test(value));

/** Of a service called `push-fcm` they say PUSH_FCM_PORT=tcp://10.0.0.1:80. */
export const isAddressOfService = (name: string, value = ''): boolean =>
  name.endsWith('_PORT') && /^(?:tcp|udp|sctp):\/\//.test(value);

type Name = { readonly spelled: string; readonly meant: string };

/** What may be offered. Whoever has a path already and is told of an `X_FILE` would name a file that holds a path. */
const namesOf = (schema: TObject): readonly Name[] =>
  Object.entries<TSchema & { path?: boolean }>(schema.properties).flatMap(([name, { path }]) => [
    { spelled: name, meant: name },
    { spelled: `${name}_FILE`, meant: path ? name : `${name}_FILE` },
  ]);

/** The one that is most like it, unless more than a third of the letters differ. */
const nearest = (name: string, names: readonly Name[]): string | undefined =>
  names
    .map(({ spelled, meant }) => ({ meant, differ: distance(name, spelled) }))
    .filter(({ differ }) => differ <= name.length / 3)
    .toSorted((one, other) => one.differ - other.differ)[0]?.meant;

/** Letters to add, take away or change (Levenshtein). */
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
