import type { End } from '@pushmesh/contracts';
import type { RecordedPublish } from './component-proxy.ts';
import type { ReceivedPush } from './fcm-recorder.ts';

/** What became of the publishes of one fault run. */
export type Accounting = {
  /** Publishes that the XMPP server sent. */
  readonly published: number;
  /** Publishes that were answered `result`. */
  readonly accepted: number;
  /** Publishes that were answered with an error of type `wait`. */
  readonly waits: number;
  /** All other error answers. Each one costs a registration. */
  readonly refused: readonly string[];
  /** Publishes without an answer, because the stream closed first. */
  readonly unanswered: number;
  /** Unanswered publishes that were delivered all the same. */
  readonly deliveredUnanswered: number;
  /** Accepted publishes that were recorded as delivered and received by FCM. */
  readonly delivered: number;
  /** Accepted publishes that were recorded with another end. */
  readonly endedOtherwise: number;
  /** Accepted publishes that are in neither group. */
  readonly lost: number;
  /** Pushes that FCM received again, so that a phone may have shown them twice. */
  readonly duplicates: number;
  /** From the publish until FCM received the push, milliseconds. */
  readonly longestDelayMs: number;
};

/**
 * Accounts for every publish.
 * @param received what FCM received, by the text of the message
 * @param ends the recorded end of each delivery, by its id
 */
export const accountFor = (
  publishes: readonly RecordedPublish[],
  received: ReadonlyMap<string, ReceivedPush>,
  ends: ReadonlyMap<string, End>,
): Accounting => {
  const answered = (kind: (answer: string | undefined) => boolean) => publishes.filter(({ answer }) => kind(answer));
  const accepted = answered((answer) => answer === 'result');
  const isDelivered = ({ id, text }: RecordedPublish) => ends.get(id) === 'delivered' && received.has(text);
  const delivered = accepted.filter(isDelivered);
  const unanswered = answered((answer) => answer === undefined);
  const endedOtherwise = accepted.filter(({ id }) => ends.has(id) && ends.get(id) !== 'delivered');
  const texts = new Set(publishes.map(({ text }) => text));
  const repeats = [...received].map(([text, { times }]) => (texts.has(text) ? times - 1 : 0));
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
    longestDelayMs: Math.max(0, ...delivered.map(({ at, text }) => (received.get(text)?.firstAt ?? at) - at)),
  };
};
