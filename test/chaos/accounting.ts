import type { End } from '@pushmesh/contracts';
import type { Shown } from './push-api-proxy.ts';
import type { SeenPublish } from './component-proxy.ts';

/** What became of the publishes of one trial. */
export type Bill = {
  /** Publishes that the XMPP server sent. */
  readonly published: number;
  /** Those that were answered `result`. */
  readonly accepted: number;
  /** Those that were answered with an error of type `wait`. */
  readonly waits: number;
  /** Those that were answered with any other error, each of which costs a registration. */
  readonly refused: readonly string[];
  /** Those without an answer: the stream went away first. */
  readonly unanswered: number;
  /** Of these, those that reached the phone all the same. */
  readonly deliveredUnanswered: number;
  /** Accepted, recorded as delivered, and shown by the phone. */
  readonly delivered: number;
  /** Accepted, and recorded with another end. */
  readonly endedOtherwise: number;
  /** Accepted, and nothing of the kind. */
  readonly lost: number;
  /** How often a phone may have shown a push that it had shown before. */
  readonly duplicates: number;
  /** From the publish to the phone, milliseconds. */
  readonly longestDelayMs: number;
};

export const billOf = (
  publishes: readonly SeenPublish[],
  shown: ReadonlyMap<string, Shown>,
  ends: ReadonlyMap<string, End>,
): Bill => {
  const answered = (kind: (answer: string | undefined) => boolean) => publishes.filter(({ answer }) => kind(answer));
  const accepted = answered((answer) => answer === 'result');
  const isDelivered = ({ id, text }: SeenPublish) => ends.get(id) === 'delivered' && shown.has(text);
  const delivered = accepted.filter(isDelivered);
  const unanswered = answered((answer) => answer === undefined);
  const endedOtherwise = accepted.filter(({ id }) => ends.has(id) && ends.get(id) !== 'delivered');
  const texts = new Set(publishes.map(({ text }) => text));
  const repeats = [...shown].map(([text, { times }]) => (texts.has(text) ? times - 1 : 0));
  return {
    published: publishes.length,
    accepted: accepted.length,
    waits: answered((answer) => answer?.startsWith('wait ') ?? false).length,
    refused: answered((answer) => answer !== undefined && answer !== 'result' && !answer.startsWith('wait ')).map(
      ({ answer }) => answer ?? '',
    ),
    unanswered: unanswered.length,
    deliveredUnanswered: unanswered.filter(isDelivered).length,
    delivered: delivered.length,
    endedOtherwise: endedOtherwise.length,
    lost: accepted.length - delivered.length - endedOtherwise.length,
    duplicates: repeats.reduce((sum, each) => sum + each, 0),
    longestDelayMs: Math.max(0, ...delivered.map(({ at, text }) => (shown.get(text)?.at ?? at) - at)),
  };
};
