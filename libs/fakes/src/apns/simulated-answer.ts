import { matchBehaviour, retryAfterHeader, shortBodyBytes } from '../behaviour.ts';
import type { Behaviour, RetryAfter, TransportFault } from '../behaviour.ts';
import type { Answer } from '../http2-reply.ts';
import { fieldsOf, parseJson } from '../parse-json.ts';
import { refusal, statusOf } from './refusal.ts';
import type { ApnsRequest } from './request-checks.ts';

type Context = {
  /** When the token was first seen. Milliseconds since 1970. */
  readonly firstSeen: () => number;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The environment that the fake stands for; `undefined` accepts the tokens of both. */
  readonly mode: string | undefined;
};

/** What APNs does when it behaves like this; `undefined` if it accepts the push. */
export const simulatedAnswer = (
  behaviour: Behaviour,
  request: ApnsRequest,
  context: Context,
): Answer | TransportFault | undefined => simulations(behaviour)(request, context);

type Simulation = (request: ApnsRequest, context: Context) => Answer | TransportFault | undefined;

const accepted = (): Simulation => () => undefined;
const badDeviceToken = (): Simulation => () => refusal(400, 'BadDeviceToken');
const transportFault =
  (fault: TransportFault): Simulation =>
  () =>
    fault;

const simulations = matchBehaviour<Simulation>({
  accept: accepted,
  slow: accepted,
  drip: accepted,
  unregistered:
    ({ since }) =>
    (_request, context) =>
      unregistered(since, context),
  badtoken: badDeviceToken,
  mistaken: badDeviceToken,
  only:
    (behaviour) =>
    (_request, { mode }) =>
      mode === undefined || mode === behaviour.mode ? undefined : refusal(400, 'BadDeviceToken'),
  throttled:
    ({ retryAfter }) =>
    (_request, { now }) =>
      withRetryAfter(refusal(429, 'TooManyRequests'), retryAfter, now),
  unavailable:
    ({ retryAfter }) =>
    (_request, { now }) =>
      withRetryAfter(refusal(503, 'ServiceUnavailable'), retryAfter, now),
  toolarge:
    ({ always }) =>
    (request) =>
      always || alertBodyBytes(request) > shortBodyBytes ? refusal(413, 'PayloadTooLarge') : undefined,
  word:
    ({ word }) =>
    () =>
      refusal(statusOf(word), word),
  status:
    ({ status }) =>
    () => ({ type: 'answer', status }),
  html:
    ({ status }) =>
    () => ({ type: 'answer', status, headers: { 'content-type': 'text/html' }, body: '<html>no</html>' }),
  silence: transportFault,
  cut: transportFault,
  break: transportFault,
  reset: transportFault,
  goaway: transportFault,
});

const dayMs = 86_400_000;

const unregistered = (since: 'first-seen' | 'future' | 'unknown', { firstSeen, now }: Context): Answer => {
  if (since === 'unknown') return refusal(410, 'Unregistered');
  return refusal(410, 'Unregistered', { timestamp: since === 'future' ? now + dayMs : firstSeen() });
};

const withRetryAfter = (answer: Answer, retryAfter: RetryAfter, now: number): Answer => {
  const value = retryAfterHeader(retryAfter, now);
  return value === undefined ? answer : { ...answer, headers: { ...answer.headers, 'retry-after': value } };
};

const alertBodyBytes = ({ body }: ApnsRequest): number => {
  const { aps } = fieldsOf(parseJson(body));
  const text = fieldsOf(fieldsOf(aps)['alert'])['body'];
  return typeof text === 'string' ? Buffer.byteLength(text) : 0;
};
