import { X509Certificate } from 'node:crypto';
import type { PoolSettings } from './provider-config.ts';

type Identity = Readonly<Record<string, string | undefined>>;

/**
 * What makes a pool the pool that it is, by the words for it: device tokens, and pushes that wait, belong to one app or
 * project. Credentials that cannot be read say nothing of their app.
 */
export const identityOf = (settings: PoolSettings): Identity => ({
  tags: settings.tags.join(', '),
  ...(settings.service === 'fcm'
    ? { endpoint: settings.origin }
    : { mode: settings.mode, endpoint: settings.endpoint, 'default topic': settings.defaultTopic }),
  ...appOf(settings),
});

const appOf = (settings: PoolSettings): Identity => {
  const { read } = settings.loaded;
  if (!read.ok) return {};
  const { credentials } = read;
  if ('projectId' in credentials) return { project: credentials.projectId };
  if (settings.service === 'apns' && settings.defaultTopic !== undefined) return {};
  if (credentials.type === 'token') return { team: credentials.teamId };
  // Without a topic APNs takes that of the certificate.
  return { 'subject of the certificate': new X509Certificate(credentials.cert).subject.replaceAll('\n', ', ') };
};

/** Why a pool cannot go over to other settings while it works, however good their credentials are. */
export const objectionTo = (next: PoolSettings, now: PoolSettings): string | undefined => {
  const [is, was] = [identityOf(next), identityOf(now)];
  const changed = Object.keys(is).filter((each) => is[each] !== was[each]);
  if (changed.length === 0) return undefined;
  const words = changed.map((each) => `the ${each} is ${is[each] || 'none'}, that of the pool ${was[each] || 'none'}`);
  return `${words.join('; ')}: restart to change it`;
};

/** What differs of a pool, in the words of the pools file; a pool that is new or gone differs as a whole. */
type Difference = { readonly pool: string; readonly changed: readonly string[] };

/** What a restart would change besides credentials. */
export const waitingForRestart = (
  now: readonly PoolSettings[],
  next: readonly PoolSettings[],
): readonly Difference[] => {
  const pairs = now.map((was) => ({ was, is: next.find((each) => isSame(each, was)) }));
  const kept = next.filter((is) => now.some((was) => isSame(is, was)));
  const order = pairs.flatMap(({ is }) => is ?? []);
  // One is chosen among those of its service alone.
  const placeOf = (pool: PoolSettings, all: readonly PoolSettings[]) =>
    all.filter(({ service }) => service === pool.service).indexOf(pool);
  const changedOf = (was: PoolSettings, is: PoolSettings) => [
    ...fieldsThatDiffer(was, is),
    ...(placeOf(is, order) === placeOf(is, kept) ? [] : ['place']),
  ];
  return [
    ...pairs.map(({ was, is }) => ({ pool: was.name, changed: is ? changedOf(was, is) : ['gone'] })),
    ...next.filter((is) => !kept.includes(is)).map(({ name }) => ({ pool: name, changed: ['new'] })),
  ].filter(({ changed }) => changed.length > 0);
};

const isSame = (one: PoolSettings, other: PoolSettings) => one.name === other.name && one.service === other.service;

const fieldsThatDiffer = (was: PoolSettings, is: PoolSettings): readonly string[] => {
  const [old, fresh] = [fieldsOf(was), fieldsOf(is)];
  return Object.keys(fresh).filter((field) => fresh[field] !== old[field]);
};

const fieldsOf = (settings: PoolSettings): Readonly<Record<string, string | number | undefined>> => ({
  ...identityOf(settings),
  pool_size: settings.connections,
  ...(settings.service === 'fcm' && {
    auth_endpoint: settings.tokenUri,
    platforms: settings.platforms.join(', '),
    quota_per_minute: settings.quotaPerMinute,
  }),
});
