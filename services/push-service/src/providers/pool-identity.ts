import { X509Certificate } from 'node:crypto';
import type { ApnsSettings, PoolSettings } from './settings/settings.ts';

type Fields = Readonly<Record<string, string | number | undefined>>;

/** The app or project that credentials are of; those that cannot be read say nothing of it. */
const appOf = ({ loaded: { read } }: PoolSettings): Fields => {
  if (!read.ok) return {};
  const { credentials } = read;
  if ('projectId' in credentials) return { project: credentials.projectId };
  if (credentials.type === 'token') return { team: credentials.teamId };
  return { 'subject of the certificate': new X509Certificate(credentials.cert).subject.replaceAll('\n', ', ') };
};

/** With a topic that stays, be it that of the certificate, the credentials are of its app or APNs refuses them. */
const isDecidedByTopic = (next: PoolSettings, now: PoolSettings): boolean =>
  next.service === 'apns' &&
  now.service === 'apns' &&
  next.defaultTopic !== undefined &&
  next.defaultTopic === now.defaultTopic;

/**
 * Why a pool cannot go over to other credentials while it works, however good they are: device tokens, and pushes that wait,
 * belong to one app or project.
 */
export const objectionTo = (next: PoolSettings, now: PoolSettings): string | undefined => {
  if (isDecidedByTopic(next, now)) return undefined;
  const [is, was] = [appOf(next), appOf(now)];
  const changed = differing(was, is);
  if (changed.length === 0) return undefined;
  const words = changed.map((each) => `the ${each} is ${is[each]}, that of the pool ${was[each] ?? 'none'}`);
  return `${words.join('; ')}: restart to change it`;
};

/** The pool as it works, with the credentials of `next`. */
export const withCredentialsOf = (next: PoolSettings, now: PoolSettings): PoolSettings => {
  if (now.service === 'fcm') return next.service === 'fcm' ? { ...now, loaded: next.loaded } : now;
  return next.service === 'apns' ? { ...now, loaded: next.loaded } : now;
};

/** What differs of a pool, in the words of the pools file, `credentials` when they are of another app; a pool that is new or gone differs as a whole. */
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

const fieldsThatDiffer = (was: PoolSettings, is: PoolSettings): readonly string[] => [
  ...differing(fieldsOf(was), fieldsOf(is)),
  ...(objectionTo(is, was) === undefined ? [] : ['credentials']),
];

const differing = (was: Fields, is: Fields): readonly string[] =>
  Object.keys(is).filter((field) => is[field] !== was[field]);

const fieldsOf = (settings: PoolSettings): Fields => ({
  tags: JSON.stringify(settings.tags.toSorted()),
  pool_size: settings.connections,
  ...(settings.service === 'fcm'
    ? {
        endpoint: settings.origin,
        auth_endpoint: settings.tokenUri,
        platforms: settings.platforms.toSorted().join(),
        quota_per_minute: settings.quotaPerMinute,
      }
    : { endpoint: settings.endpoint, mode: settings.mode, ...topicOf(settings) }),
});

/** A certificate that cannot be read may have one. */
const topicOf = ({ defaultTopic, loaded }: ApnsSettings): Fields =>
  defaultTopic === undefined && !loaded.read.ok ? {} : { default_topic: defaultTopic };
