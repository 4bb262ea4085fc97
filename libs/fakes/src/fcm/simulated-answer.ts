import { matchBehaviour, retryAfterHeader, shortBodyBytes } from '../behaviour.ts';
import type { Behaviour, TransportFault } from '../behaviour.ts';
import type { Answer } from '../http2-reply.ts';
import { fcmAnswers } from './answers.ts';
import type { SentMessage } from './message-rules.ts';

/** What FCM does when it behaves like this; `undefined` if it accepts the message. `now`: milliseconds since 1970. */
export const simulatedAnswer = (
  behaviour: Behaviour,
  message: SentMessage,
  now: number,
): Answer | TransportFault | undefined => simulations(behaviour)(message, now);

type Simulation = (message: SentMessage, now: number) => Answer | TransportFault | undefined;

const accepted = (): Simulation => () => undefined;
const transportFault =
  (fault: TransportFault): Simulation =>
  () =>
    fault;

const simulations = matchBehaviour<Simulation>({
  accept: accepted,
  slow: accepted,
  drip: accepted,
  // FCM has no environments.
  only: accepted,
  // FCM does not say since when.
  unregistered: () => fcmAnswers.unregistered,
  badtoken: () => fcmAnswers.badtoken,
  mistaken: () => fcmAnswers.badtoken,
  throttled:
    ({ retryAfter }) =>
    (_message, now) =>
      fcmAnswers.throttled(retryAfterHeader(retryAfter, now)),
  unavailable:
    ({ retryAfter }) =>
    (_message, now) =>
      fcmAnswers.unavailable(retryAfterHeader(retryAfter, now)),
  toolarge:
    ({ always }) =>
    (message) =>
      always || alertBodyBytes(message) > shortBodyBytes ? fcmAnswers.toolarge() : undefined,
  word:
    ({ word }) =>
    () =>
      fcmAnswers.ofErrorCode(word),
  status:
    ({ status }) =>
    () =>
      fcmAnswers.ofStatus(status),
  html:
    ({ status }) =>
    () =>
      fcmAnswers.html(status),
  silence: transportFault,
  cut: transportFault,
  break: transportFault,
  reset: transportFault,
  goaway: transportFault,
});

const alertBodyBytes = ({ android, notification }: SentMessage): number =>
  Buffer.byteLength((android?.notification ?? notification)?.body ?? '');
