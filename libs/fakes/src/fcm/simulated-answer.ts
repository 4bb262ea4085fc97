import { byAct, retryAfterText, shortBodyBytes } from '../behaviour.ts';
import type { Act, Disturbance } from '../behaviour.ts';
import type { Answer } from '../http2-server.ts';
import { fcmAnswers } from './answers.ts';
import type { SentMessage } from './message-rules.ts';

/** What FCM answers when it plays this; `undefined` when the message is accepted. */
export const refusalOf = (act: Act, message: SentMessage, now: number): Answer | Disturbance | undefined =>
  refusals(act)(message, now);

type Refusal = (message: SentMessage, now: number) => Answer | Disturbance | undefined;

const accepted = (): Refusal => () => undefined;
const playing =
  (act: Disturbance): Refusal =>
  () =>
    act;

const refusals = byAct<Refusal>({
  accept: accepted,
  slow: accepted,
  drip: accepted,
  // FCM has no environments
  only: accepted,
  // FCM does not tell since when
  unregistered: () => fcmAnswers.unregistered,
  badtoken: () => fcmAnswers.badtoken,
  mistaken: () => fcmAnswers.badtoken,
  throttled: (act) => (_message, now) => fcmAnswers.throttled(retryAfterText(act.retryAfter, now)),
  unavailable: (act) => (_message, now) => fcmAnswers.unavailable(retryAfterText(act.retryAfter, now)),
  toolarge: (act) => (message) => {
    const bytes = Buffer.byteLength((message.android?.notification ?? message.notification)?.body ?? '');
    return act.always || bytes > shortBodyBytes ? fcmAnswers.toolarge() : undefined;
  },
  word: (act) => () => fcmAnswers.ofWord(act.word),
  status: (act) => () => fcmAnswers.ofStatus(act.status),
  html: (act) => () => fcmAnswers.html(act.status),
  silence: playing,
  cut: playing,
  break: playing,
  reset: playing,
  goaway: playing,
});
