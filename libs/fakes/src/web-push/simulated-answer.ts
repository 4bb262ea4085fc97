import { parseJson } from '../../../../services/push-service/src/push/parse-json.ts';
import { byAct, retryAfterText, shortBodyBytes } from '../behaviour.ts';
import type { Act, RetryAfter } from '../behaviour.ts';
import type { WebPushDelivery } from './fake-web-push.ts';

export type Reply =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  | 'reset'
  | 'silence'
  | 'break';

/** What a push service answers when it plays this; `undefined` when the message is accepted. */
export const refusalOf = (act: Act, delivery: WebPushDelivery, now: number): Reply | undefined =>
  refusals(act)(delivery, now);

type Refusal = (delivery: WebPushDelivery, now: number) => Reply | undefined;

const accepted = (): Refusal => () => undefined;
const status =
  (code: number): (() => Refusal) =>
  () =>
  () => ({ status: code });
// HTTP/1.1 has one way to go.
const reset = (): Refusal => () => 'reset';
const later =
  (code: number) =>
  ({ retryAfter }: { readonly retryAfter: RetryAfter }): Refusal =>
  (_delivery, now) => {
    const value = retryAfterText(retryAfter, now);
    return { status: code, ...(value !== undefined && { headers: { 'retry-after': value } }) };
  };

const refusals = byAct<Refusal>({
  accept: accepted,
  slow: accepted,
  drip: accepted,
  only: accepted,
  unregistered: ({ since }) => status(since === 'unknown' ? 404 : 410)(),
  badtoken: status(400),
  mistaken: status(400),
  word: status(400),
  throttled: later(429),
  unavailable: later(503),
  toolarge: (act) => (delivery) =>
    act.always || alertBodyBytes(delivery) > shortBodyBytes ? { status: 413 } : undefined,
  status: (act) => status(act.status)(),
  html: (act) => () => ({ status: act.status, headers: { 'content-type': 'text/html' }, body: '<html>no</html>' }),
  silence: () => () => 'silence',
  break: () => () => 'break',
  reset,
  cut: reset,
  goaway: reset,
});

/** Of a text that is no JSON with an alert, all of it. */
const alertBodyBytes = ({ text }: WebPushDelivery): number => {
  const message = parseJson(text) as { readonly alert?: { readonly body?: unknown } } | null | undefined;
  const body = message?.alert?.body;
  return Buffer.byteLength(typeof body === 'string' ? body : text);
};
