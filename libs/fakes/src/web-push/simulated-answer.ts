import { matchBehaviour, retryAfterHeader, shortBodyBytes } from '../behaviour.ts';
import type { Behaviour, RetryAfter } from '../behaviour.ts';
import { fieldsOf, parseJson } from '../parse-json.ts';
import type { WebPushDelivery } from './delivery.ts';

/** An answer, or what happens to the connection in its place. `break` ends it in the middle of the answer. */
export type WebPushReply =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  | 'reset'
  | 'silence'
  | 'break';

/** What a push service does when it behaves like this; `undefined` if it accepts the message. `now`: ms since 1970. */
export const simulatedAnswer = (
  behaviour: Behaviour,
  delivery: WebPushDelivery,
  now: number,
): WebPushReply | undefined => simulations(behaviour)(delivery, now);

type Simulation = (delivery: WebPushDelivery, now: number) => WebPushReply | undefined;

const accepted = (): Simulation => () => undefined;
const withStatus =
  (status: number): (() => Simulation) =>
  () =>
  () => ({ status });
// HTTP/1.1 can only reset the whole connection.
const reset = (): Simulation => () => 'reset';
const withRetryAfter =
  (status: number) =>
  ({ retryAfter }: { readonly retryAfter: RetryAfter }): Simulation =>
  (_delivery, now) => {
    const value = retryAfterHeader(retryAfter, now);
    return { status, ...(value !== undefined && { headers: { 'retry-after': value } }) };
  };

const simulations = matchBehaviour<Simulation>({
  accept: accepted,
  slow: accepted,
  drip: accepted,
  only: accepted,
  unregistered: ({ since }) => withStatus(since === 'unknown' ? 404 : 410)(),
  badtoken: withStatus(400),
  mistaken: withStatus(400),
  word: withStatus(400),
  throttled: withRetryAfter(429),
  unavailable: withRetryAfter(503),
  toolarge:
    ({ always }) =>
    (delivery) =>
      always || alertBodyBytes(delivery) > shortBodyBytes ? { status: 413 } : undefined,
  status: ({ status }) => withStatus(status)(),
  html:
    ({ status }) =>
    () => ({ status, headers: { 'content-type': 'text/html' }, body: '<html>no</html>' }),
  silence: () => () => 'silence',
  break: () => () => 'break',
  reset,
  cut: reset,
  goaway: reset,
});

/** All of the text counts if it is not JSON with an alert body. */
const alertBodyBytes = ({ text }: WebPushDelivery): number => {
  const { body } = fieldsOf(fieldsOf(parseJson(text))['alert']);
  return Buffer.byteLength(typeof body === 'string' ? body : text);
};
