import type { TObject, TSchema } from 'typebox';
import type { Env, Problem } from './read.ts';

/** Which unknown variables are mistakes, so that what they should do would not happen. */
export type OwnNames = {
  /** Nobody else gives such names: every one that is not known is a mistake. */
  readonly prefixes?: readonly string[];
  /** Others give such names as well (REDIS_HOST): one that is hardly different from one of ours is a mistake. */
  readonly shared?: readonly string[];
  /** Those that others give all the same, and that have no meaning here. */
  readonly ignored?: readonly string[];
};

/** The variables with such names that `schema` does not know, each with the one that is likely meant. */
export const problemsOfUnknown = (schema: TObject, env: Env, own: OwnNames): Problem[] => {
  const { prefixes = [], shared = [], ignored = [] } = own;
  const names = namesOf(schema);
  const known = new Set(names.map(({ spelled }) => spelled));
  const begins = (name: string, all: readonly string[]) => all.some((prefix) => name.startsWith(prefix));
  return Object.entries(env)
    .filter(([name, value]) => value && (begins(name, prefixes) || (begins(name, shared) && isSlip(name, names))))
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

/** Whether at most two letters make it different from one that is known. */
const isSlip = (name: string, names: readonly Name[]): boolean =>
  names.some(({ spelled }) => distance(name, spelled) <= 2);

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
