import type { PoolIdentity, PoolSettings } from '../providers/module.ts';
import { moduleOf } from '../providers/registry.ts';

/**
 * Why a pool cannot switch to other credentials while it works, however good they are: device tokens, and pushes that wait,
 * belong to one app or project.
 */
export const objectionTo = (next: PoolSettings, now: PoolSettings): string | undefined => {
  const [is, was] = [identityOf(next), identityOf(now)];
  if (is.pinnedBy !== undefined && is.pinnedBy === was.pinnedBy) return undefined;
  const changed = differing(was.app, is.app);
  if (changed.length === 0) return undefined;
  const words = changed.map((each) => `the ${each} is ${is.app[each]}, that of the pool ${was.app[each] ?? 'none'}`);
  return `${words.join('; ')}: restart to change it`;
};

/**
 * What differs about a pool, in the words of the pools file; `credentials` if they belong to another app. A pool that is new
 * or gone differs as a whole.
 */
type Difference = { readonly pool: string; readonly changed: readonly string[] };

/** What a restart would change besides credentials. */
export const waitingForRestart = (
  now: readonly PoolSettings[],
  next: readonly PoolSettings[],
): readonly Difference[] => {
  const pairs = now.map((was) => ({ was, is: next.find((each) => isSame(each, was)) }));
  const kept = next.filter((is) => now.some((was) => isSame(is, was)));
  const order = pairs.flatMap(({ is }) => is ?? []);
  const changedOf = (was: PoolSettings, is: PoolSettings) => [
    ...fieldsThatDiffer(was, is),
    ...(placeOf(is, order) === placeOf(is, kept) ? [] : ['place']),
  ];
  return [
    ...pairs.map(({ was, is }) => ({ pool: was.name, changed: is ? changedOf(was, is) : ['gone'] })),
    ...next.filter((is) => !kept.includes(is)).map(({ name }) => ({ pool: name, changed: ['new'] })),
  ].filter(({ changed }) => changed.length > 0);
};

export const isSame = (one: PoolSettings, other: PoolSettings): boolean =>
  one.name === other.name && one.service === other.service;

/** A push is offered to the pools of its service in order, so their order among themselves is what counts. */
const placeOf = (pool: PoolSettings, all: readonly PoolSettings[]): number =>
  all.filter(({ service }) => service === pool.service).indexOf(pool);

const fieldsThatDiffer = (was: PoolSettings, is: PoolSettings): readonly string[] => [
  ...differing(identityOf(was).fixed, identityOf(is).fixed),
  ...(objectionTo(is, was) === undefined ? [] : ['credentials']),
];

const identityOf = (settings: PoolSettings): PoolIdentity => moduleOf(settings.service).identityOf(settings);

const differing = (was: PoolIdentity['app'], is: PoolIdentity['app']): readonly string[] =>
  Object.keys(is).filter((field) => is[field] !== was[field]);
