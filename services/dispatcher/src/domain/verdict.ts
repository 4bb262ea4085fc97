import { categoryTable, PushApiBody, reasons, unregisteredAtHeader } from '@pushmesh/contracts';
import type { Delivery } from '@pushmesh/contracts';
import { Compile } from 'typebox/compile';
import type { Verdict } from '../ports.ts';
import { categoryOfBareWord, isTopicOfOneUser } from './mongoosepush.ts';

/** An HTTP response of the push API, or of something in between; `body` is `undefined` if it was not JSON. */
export type PushApiReply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: unknown;
};

/** How the call ended without a complete response. */
export type PushApiFault = 'timeout' | 'refused' | 'reset' | 'tls' | 'unreachable';

/** What came of one call of the push API. */
export type PushApiAnswer = PushApiReply | { readonly fault: PushApiFault };

type Outcome = Verdict['outcome'];

/** The statuses of v3 come from the table of reasons; the others are HTTP's own. */
const byStatus: ReadonlyMap<number, Outcome> = new Map<number, Outcome>([
  ...Object.values(categoryTable).map(({ v3, outcome }) => [v3.status, outcome] as const),
  // The operator's credentials are at fault, not the push: it waits until the push API lets us in.
  [401, 'unavailable'],
  [403, 'unavailable'],
  [414, 'rejected'],
  [422, 'rejected'],
  [431, 'rejected'],
]);

/** The variables that decide whether the push API lets us in. */
const settingsOf: Readonly<Record<string, string>> = {
  401: 'PUSH_API_TOKEN',
  403: 'PUSH_API_TOKEN',
  tls: 'PUSH_API_URL, PUSH_API_CA, PUSH_API_CERT, PUSH_API_KEY',
};

/** The longest Retry-After that is believed, in seconds: a delivery that waits takes up room in its lane. */
const retryAfterCap = 300;

/** Reads the answer of one call. Total: there is a verdict for whatever came. */
export const toVerdict = (answer: PushApiAnswer, push: Pick<Delivery, 'service' | 'options'>): Verdict => {
  if ('fault' in answer)
    return { outcome: 'unavailable', reason: answer.fault, isOut: true, ...lockedOut(answer.fault) };
  const word = reasonOf(answer.body);
  const outcome = outcomeOf(answer, word);
  const retryAfterMs = retryAfterOf(answer.headers['retry-after']);
  const unregisteredAt = instantOf(answer.headers[unregisteredAtHeader]);
  return {
    outcome,
    reason: word ?? `HTTP ${answer.status}`,
    ...(outcome === 'unavailable' && isOutage(answer, push, word) && { isOut: true }),
    ...lockedOut(answer.status),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(unregisteredAt !== undefined && { unregisteredAt }),
  };
};

const outcomeOf = ({ status, body }: PushApiReply, word: string | undefined): Outcome => {
  if (status === 500 && word !== undefined) return categoryTable[categoryOfBareWord(word)].outcome;
  const isBelieved = evidence[status]?.(body) ?? true;
  return (isBelieved ? byStatus.get(status) : undefined) ?? 'unavailable';
};

/** Whether the push API, the provider or our access to either is out. Asked of what is `unavailable` only. */
const isOutage = (
  { status, body }: PushApiReply,
  push: Pick<Delivery, 'service' | 'options'>,
  word: string | undefined,
): boolean => {
  if (settingsOf[status] !== undefined) return true;
  // Behind Web Push are many servers, and anybody may name one: what the API says of one is not about the others.
  if (push.service === 'webpush') return !isRefusal(body);
  if (isTopicOfOneUser(push, word)) return false;
  // Something in between does not like this request: it may like the next.
  if (status === 400 || status === 422) return false;
  // The provider said something about this push that no table knows.
  if (status === categoryTable.unspecified.v3.status && bodies.Check(body)) return false;
  if (status === 500 && word !== undefined) return categoryTable[categoryOfBareWord(word)].isOutage;
  return true;
};

/** Whether the circuit of the lane counts it: the fault of one push must not hold up any other. */
export const isFailure = ({ isOut = false }: Verdict): boolean => isOut;

const lockedOut = (sign: number | string): Pick<Verdict, 'lockedOutBy'> => {
  const setting = settingsOf[sign];
  return setting === undefined ? {} : { lockedOutBy: setting };
};

const bodies = Compile(PushApiBody);
const isRefusal = (body: unknown): boolean => body !== null && bodies.Check(body);

/**
 * These statuses end a delivery, so they need evidence in the body: a proxy in between may answer with a page of its own.
 * A 200 needs only some JSON: if it were doubted, a push that arrived would be sent again and again.
 */
const evidence: Readonly<Record<number, (body: unknown) => boolean>> = {
  200: (body) => body !== undefined,
  400: isRefusal,
  410: (body) => reasonOf(body) === 'unregistered',
  422: isRefusal,
};

/**
 * A word of the table, or one of letters alone. Anything longer could be text with a token in it, and would have no bound;
 * another word with digits could be a token.
 */
const reasonOf = (body: unknown): string | undefined => {
  if (!bodies.Check(body) || body === null || 'errors' in body) return undefined;
  const word = 'reason' in body ? body.reason : body.details;
  return /^[A-Za-z_]{1,64}$/.test(word) || Object.hasOwn(reasons, word) ? word : undefined;
};

/** MongoosePush and push-service both send seconds, never the date form of RFC 9110 §10.2.3. */
const retryAfterOf = (header: string | undefined): number | undefined =>
  header !== undefined && /^\d{1,9}$/.test(header) ? Math.min(retryAfterCap, Number(header)) * 1_000 : undefined;

const instantOf = (header: string | undefined): number | undefined =>
  header !== undefined && /^\d{12,14}$/.test(header) ? Number(header) : undefined;
