import type { LookedBack } from '@pushmesh/bus';
import { streams } from '@pushmesh/contracts';
import type { Delivery, Outcome, Result } from '@pushmesh/contracts';
import { nodeHash } from '@pushmesh/telemetry';
import { duration, instant } from './time-format.ts';

/** The part of a delivery that may be shown: no device token and no text of a message. */
type Waiting = Pick<
  Delivery,
  'id' | 'node' | 'service' | 'mode' | 'acceptedAt' | 'expiresAt' | 'attempt' | 'spent' | 'notBefore'
>;

/** What a stream holds of a push. */
export type Found =
  | { readonly type: 'unverified' | 'waiting'; readonly delivery: Waiting }
  | { readonly type: 'ended'; readonly result: Result }
  /** `seq`: its number in the stream of parked deliveries. */
  | { readonly type: 'parked'; readonly result: Result; readonly seq: number };

/** What was read of one stream. `unreadable`: how many of its messages contain the word, but cannot be read. */
export type Reading = LookedBack & { readonly unreadable: number };
/** One for each stream. */
export type Readings = Readonly<Record<keyof typeof streams, Reading>>;

export type Explanation = {
  /** What was asked about: the name of a push node, or the id of a delivery. */
  readonly word: string;
  readonly found: readonly Found[];
  readonly readings: Readings;
  /** The NATS that was read. */
  readonly place: string;
  /** Milliseconds since 1970. */
  readonly now: number;
};

/** The most pushes that are shown. */
const maxPushes = 20;

/**
 * What became of the pushes, as text for an operator: the newest last, then how much was read of each stream. Push nodes
 * are shown by their hash, as in the log lines.
 */
export const explain = ({ word, found, readings, place, now }: Explanation): string => {
  const pushes = [...Map.groupBy(found, idOf).values()].toSorted((a, b) => acceptedAt(a[0]) - acceptedAt(b[0]));
  const shown = pushes.slice(-maxPushes);
  const all = Object.values(readings);
  const longestName = Math.max(...all.map(({ stream }) => stream.length));
  const read = [`Read on ${place}:`, ...all.map((reading) => `  ${describeReading(reading, longestName)}`)];
  if (shown.length === 0) return [...nothingFound(word, readings), '', ...read].join('\n');
  const older = pushes.length > shown.length ? ' (there are older ones)' : '';
  const described = shown.flatMap((push) => [...describePush(push, readings.parked.stream, now), '']);
  return [`What became of the pushes, the newest last${older}:`, '', ...described, ...read].join('\n');
};

/** What was found of the newest pushes, at most `most`. */
export const newest = (found: readonly Found[], most: number): Found[] =>
  found.toSorted((a, b) => acceptedAt(b) - acceptedAt(a)).slice(0, most);

/** Whether it is about the push node or delivery of that name. */
export const isAbout = (found: Found, word: string): boolean =>
  idOf(found) === word || headOf(found).node.node === word;

const headOf = (found: Found) => ('result' in found ? found.result : found.delivery);
const idOf = (found: Found): string => ('result' in found ? found.result.delivery : found.delivery.id);
const acceptedAt = (found: Found | undefined): number => (found ? headOf(found).acceptedAt : 0);

const describePush = (push: readonly Found[], parked: string, now: number): readonly string[] => {
  const [first] = push;
  if (!first) return [];
  const { node, service, mode } = headOf(first);
  return [
    `push ${idOf(first)} to the node ${nodeHash(node.node)} at ${node.host}, through ${service} ${mode}`,
    `  accepted at ${instant(acceptedAt(first))}`,
    ...whereabouts(push, parked, now).map((line) => `  ${line}`),
  ];
};

/** Its end, or ends: a delivery that was repeated can have several. Without an end it waits for its next step. */
const whereabouts = (push: readonly Found[], parked: string, now: number): readonly string[] => {
  const ends = new Map<string, Result>();
  for (const each of push) if ('result' in each) ends.set(`${each.result.end} ${each.result.endedAt}`, each.result);
  const aside = push.flatMap((each) =>
    each.type === 'parked' ? [`put aside as message ${each.seq} of ${parked}`] : [],
  );
  if (ends.size > 0)
    return [...[...ends.values()].toSorted((a, b) => a.endedAt - b.endedAt).map(describeEnd), ...aside];
  const latest = push
    .flatMap((each) => (each.type === 'waiting' ? [each.delivery] : []))
    .toSorted((a, b) => b.attempt - a.attempt)[0];
  return latest
    ? describeWaiting(latest, now)
    : ['waits for verification: pubsub-push did not answer when it was accepted'];
};

const describeWaiting = ({ attempt, spent, notBefore, expiresAt }: Waiting, now: number): readonly string[] => {
  const due = notBefore ?? 0;
  const wait =
    due > now
      ? `waits for attempt ${attempt}, due in ${duration(due - now)}`
      : `attempt ${attempt} is due or in progress: if that does not change, look at the dispatcher and its circuit (/readyz, pushmesh_circuit_state)`;
  const before = attempt - 1;
  const made =
    before === 0
      ? []
      : [
          `${before} made before, of which ${spent ?? 0} counted: each has a line \`attempt\` in the log of the dispatcher`,
        ];
  const deadline =
    expiresAt > now
      ? `its deadline is ${instant(expiresAt)}, in ${duration(expiresAt - now)}`
      : `its deadline passed at ${instant(expiresAt)}: it expires when the dispatcher takes it`;
  return [wait, ...made, deadline];
};

/** Why a delivery was parked, for the outcomes that park. */
const whyParked: Readonly<Partial<Record<Outcome, string>>> = {
  rejected: 'the push API refused it for good',
  'too-large': 'it is too large',
  exhausted: 'its attempts were used up',
};

const describeEnd = (result: Result): string => {
  const { end, outcome, attempt, acceptedAt: accepted, endedAt, reason } = result;
  const when = `at ${instant(endedAt)}, after ${duration(endedAt - accepted)}`;
  const by = attempt === 0 ? '' : `, by attempt ${attempt}`;
  const word = reason === undefined ? 'no reason was given' : `"${reason}"`;
  switch (end) {
    case 'delivered':
      return `delivered ${when}${by}: only its push service knows what the phone did with it`;
    case 'unregistered':
      return attempt === 0
        ? `unregistered ${when}: ${word}`
        : `unregistered ${when}${by}: ${word}; the node is retired if it still stands for this device`;
    case 'expired':
      return `expired ${when}${by}: its deadline passed before it could be delivered; the last reason was ${word}`;
    case 'parked':
      return `parked ${when}${by}: ${whyParked[outcome] ?? outcome}, ${word}`;
    case 'merged':
      return `merged ${when} into another push to the same device`;
    case 'refused':
      return `refused ${when}: ${word}`;
  }
};

const describeReading = (reading: Reading, longestName: number): string => {
  const { stream, unreadable } = reading;
  const odd = unreadable > 0 ? `; ${unreadable} of them mention it, but this version cannot read them` : '';
  return `${stream.padEnd(longestName)}  ${howFar(reading)}${odd}`;
};

const isInPart = (reading: Reading): boolean =>
  reading.type === 'unreadable' || (reading.type === 'read' && !reading.whole);

const howFar = (reading: Reading): string => {
  switch (reading.type) {
    case 'missing':
      return 'does not exist: did a service ever run on this NATS, and is NATS_SUBJECT_PREFIX the same?';
    case 'unreadable':
      return `could not be read: ${reading.why}`;
    case 'read': {
      const { read, of, since, whole } = reading;
      if (whole && read === 0) return 'is empty';
      const back = since === undefined ? '' : `, back to ${instant(since)}`;
      return whole ? `all ${read} messages${back}` : `${read} of ${of} messages${back}; there was no time for the rest`;
    }
  }
};

const nothingFound = (word: string, { events, deliveries }: Readings): readonly string[] => [
  'Nothing found. That can mean:',
  ...[events, deliveries]
    .filter(isInPart)
    .map(({ stream }) => `  - it still waits in the part of ${stream} that was not read`),
  '  - the XMPP server published nothing: the user was not away, push is not enabled there for this node, or no gateway was connected',
  `  - the publish was refused: then the log of the gateway has a line \`refused\` with node ${nodeHash(word)}`,
  `  - it ended more than ${streams.results.maxAgeMs / 86_400_000} days ago, or before the oldest message that was read`,
  '  - it is not the name of a push node or the id of a delivery (`delivery` in the log lines), or belongs to another mesh',
];
