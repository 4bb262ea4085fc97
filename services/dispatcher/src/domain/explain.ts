import type { LookedBack } from '@pushmesh/bus';
import { streams } from '@pushmesh/contracts';
import type { Delivery, Outcome, Result } from '@pushmesh/contracts';
import { nodeHash } from '@pushmesh/telemetry';
import { duration, instant } from './words.ts';

/** Of a delivery, what may be shown: no device token and no text of a message. */
type Waiting = Pick<
  Delivery,
  'id' | 'node' | 'service' | 'mode' | 'acceptedAt' | 'expiresAt' | 'attempt' | 'spent' | 'notBefore'
>;

/** What a stream holds of a push. */
export type Found =
  | { readonly type: 'unverified' | 'waiting'; readonly delivery: Waiting }
  | { readonly type: 'ended'; readonly result: Result }
  /** `seq`: its number in the stream of what was put aside. */
  | { readonly type: 'parked'; readonly result: Result; readonly seq: number };

/** What was read of one stream; `unreadable`: how many messages in it name what is asked about, and cannot be read. */
export type Reading = LookedBack & { readonly unreadable: number };
/** One for each stream. */
export type Readings = Readonly<Record<keyof typeof streams, Reading>>;

export type Question = {
  /** The name of a push node, or the id of a delivery. */
  readonly word: string;
  readonly found: readonly Found[];
  readonly readings: Readings;
  /** The NATS that was read. */
  readonly place: string;
  /** Milliseconds since 1970. */
  readonly now: number;
};

/** The most pushes that are told of. */
const maxPushes = 20;

/**
 * What became of the pushes, in lines for people: the newest last, and then what was read to know it. A push node is shown
 * by its hash, as in the log lines.
 */
export const explain = ({ word, found, readings, place, now }: Question): string => {
  const pushes = [...Map.groupBy(found, idOf).values()].toSorted((a, b) => acceptedAt(a[0]) - acceptedAt(b[0]));
  const shown = pushes.slice(-maxPushes);
  const all = Object.values(readings);
  const longestName = Math.max(...all.map(({ stream }) => stream.length));
  const read = [`Read on ${place}:`, ...all.map((reading) => `  ${toldOf(reading, longestName)}`)];
  if (shown.length === 0) return [...nothingFound(word, readings), '', ...read].join('\n');
  const older = pushes.length > shown.length ? ' (there are older ones)' : '';
  const told = shown.flatMap((push) => [...tell(push, readings.parked.stream, now), '']);
  return [`What became of the pushes, the newest last${older}:`, '', ...told, ...read].join('\n');
};

/** Those of the newest pushes, at most so many. */
export const newest = (found: readonly Found[], most: number): Found[] =>
  found.toSorted((a, b) => acceptedAt(b) - acceptedAt(a)).slice(0, most);

/** Whether it is about that push node, or that delivery. */
export const isAbout = (found: Found, word: string): boolean =>
  idOf(found) === word || headOf(found).node.node === word;

const headOf = (found: Found) => ('result' in found ? found.result : found.delivery);
const idOf = (found: Found): string => ('result' in found ? found.result.delivery : found.delivery.id);
const acceptedAt = (found: Found | undefined): number => (found ? headOf(found).acceptedAt : 0);

const tell = (push: readonly Found[], parked: string, now: number): readonly string[] => {
  const [first] = push;
  if (!first) return [];
  const { node, service, mode } = headOf(first);
  return [
    `push ${idOf(first)} to the node ${nodeHash(node.node)} at ${node.host}, through ${service} ${mode}`,
    `  accepted at ${instant(acceptedAt(first))}`,
    ...whereabouts(push, parked, now).map((line) => `  ${line}`),
  ];
};

/** Its end, or ends: a delivery that was repeated can have several. Without one it waits for its next step. */
const whereabouts = (push: readonly Found[], parked: string, now: number): readonly string[] => {
  const ends = new Map<string, Result>();
  for (const each of push) if ('result' in each) ends.set(`${each.result.end} ${each.result.endedAt}`, each.result);
  const aside = push.flatMap((each) =>
    each.type === 'parked' ? [`put aside as message ${each.seq} of ${parked}`] : [],
  );
  if (ends.size > 0) return [...[...ends.values()].toSorted((a, b) => a.endedAt - b.endedAt).map(toldOfEnd), ...aside];
  const latest = push
    .flatMap((each) => (each.type === 'waiting' ? [each.delivery] : []))
    .toSorted((a, b) => b.attempt - a.attempt)[0];
  return latest
    ? toldOfWaiting(latest, now)
    : ['waits for verification: pubsub-push did not answer when it was accepted'];
};

const toldOfWaiting = ({ attempt, spent, notBefore, expiresAt }: Waiting, now: number): readonly string[] => {
  const due = notBefore ?? 0;
  const wait =
    due > now
      ? `waits for attempt ${attempt}, due in ${duration(due - now)}`
      : `attempt ${attempt} is due or under way: if it stays so, look at the dispatcher and its circuit (/readyz, pushmesh_circuit_state)`;
  const before = attempt - 1;
  const made =
    before === 0
      ? []
      : [`${before} made before, ${spent ?? 0} of them counted: each is a line \`attempt\` in the dispatcher’s log`];
  const deadline =
    expiresAt > now
      ? `its deadline is ${instant(expiresAt)}, in ${duration(expiresAt - now)}`
      : `its deadline passed at ${instant(expiresAt)}: it expires when the dispatcher takes it`;
  return [wait, ...made, deadline];
};

/** Why a delivery was parked, of the outcomes that park one. */
const whyParked: Readonly<Partial<Record<Outcome, string>>> = {
  rejected: 'the push API refused it for good',
  'too-large': 'it is too large',
  exhausted: 'its attempts were used up',
};

const toldOfEnd = (result: Result): string => {
  const { end, outcome, attempt, acceptedAt: accepted, endedAt, reason } = result;
  const when = `at ${instant(endedAt)}, after ${duration(endedAt - accepted)}`;
  const by = attempt === 0 ? '' : `, by attempt ${attempt}`;
  const word = reason === undefined ? 'no reason was given' : `“${reason}”`;
  switch (end) {
    case 'delivered':
      return `delivered ${when}${by}: what the phone does with it only its push service knows`;
    case 'unregistered':
      return attempt === 0
        ? `unregistered ${when}: ${word}`
        : `unregistered ${when}${by}: ${word}; a node that still stands for this device is retired`;
    case 'expired':
      return `expired ${when}${by}: its deadline passed before it could be delivered, the last word was ${word}`;
    case 'parked':
      return `parked ${when}${by}: ${whyParked[outcome] ?? outcome}, ${word}`;
    case 'merged':
      return `merged ${when} into another push to the same device`;
    case 'refused':
      return `refused ${when}: ${word}`;
  }
};

const toldOf = (reading: Reading, longestName: number): string => {
  const { stream, unreadable } = reading;
  const odd = unreadable > 0 ? `; ${unreadable} of them name it and cannot be read by this version` : '';
  return `${stream.padEnd(longestName)}  ${howFar(reading)}${odd}`;
};

const isInPart = (reading: Reading): boolean =>
  reading.type === 'unreadable' || (reading.type === 'read' && !reading.whole);

const howFar = (reading: Reading): string => {
  switch (reading.type) {
    case 'missing':
      return 'is not there: did a service ever run on this NATS, and is NATS_SUBJECT_PREFIX the same?';
    case 'unreadable':
      return `could not be read: ${reading.why}`;
    case 'read': {
      const { read, of, since, whole } = reading;
      if (whole && read === 0) return 'is empty';
      const back = since === undefined ? '' : `, back to ${instant(since)}`;
      return whole
        ? `all ${read} messages${back}`
        : `${read} of ${of} messages${back}; there was no time for the others`;
    }
  }
};

const nothingFound = (word: string, { events, deliveries }: Readings): readonly string[] => [
  'Nothing found. That can mean:',
  ...[events, deliveries]
    .filter(isInPart)
    .map(({ stream }) => `  - it still waits, among what was not read of ${stream}`),
  '  - the XMPP server published nothing: the user was not away, push is not enabled there for this node, or no gateway was connected',
  `  - the publish was refused: then the gateway’s log has a line \`refused\` with node ${nodeHash(word)}`,
  `  - it ended more than ${streams.results.maxAgeMs / 86_400_000} days ago, or longer ago than what was read`,
  '  - it is not the name of a push node or the id of a delivery (`delivery` in the log lines), or not of this mesh',
];
