import { linesOfJson, maxRequestBytes, NotificationAnswer } from '@pushmesh/contracts';
import { Compile } from 'typebox/compile';
import type { PushRequest } from '../domain/request.ts';
import type { PushApiAnswer } from '../domain/verdict.ts';
import type { createExchange, HttpAnswer } from './exchange.ts';
import { faultOf, parseBody, single, toAnswer } from './push-api-answer.ts';

export type Sending = { readonly request: PushRequest; readonly traceparent: string };

type Options = {
  readonly exchange: Pick<ReturnType<typeof createExchange>, 'post'>;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly alone: (sending: Sending) => Promise<PushApiAnswer>;
  /** Something in front of the push API, or in its place, answered with this status and took nothing. */
  readonly onNotTaken: (status: number) => void;
};

/** `POST /v3/notifications` of push-service: each of several requests gets its own answer as soon as it arrives. */
export const createNotifications =
  ({ exchange, path, headers, alone, onNotTaken }: Options) =>
  (sendings: readonly Sending[]): readonly Promise<PushApiAnswer>[] => {
    const body = JSON.stringify(sendings.map(toAddressed));
    if (Buffer.byteLength(body) > maxRequestBytes) return sendings.map(alone);
    const answers = sendings.map(() => Promise.withResolvers<PushApiAnswer>());
    // The first answer to a request counts: a promise that is resolved stays as it is.
    const readLine = (line: string): void => {
      const answer = parseBody(line);
      if (!notificationAnswer.Check(answer)) return;
      const { place, status, headers: hints = {}, body: said } = answer;
      answers[place]?.resolve({ status, headers: hints, body: said });
    };
    const answerRest = (answer: PushApiAnswer): void => {
      for (const { resolve } of answers) resolve(answer);
    };
    const eachAlone = (): void => {
      for (const [place, sending] of sendings.entries()) answers[place]?.resolve(alone(sending));
    };

    const accept = `${linesOfJson}, application/json`;
    exchange
      .post({ path, headers: { ...headers, accept }, body }, (head) => (isInLines(head) ? readLine : undefined))
      .then(
        (answer) => {
          if (isInLines(answer)) {
            readLine(answer.body); // what followed the last line break
            return answerRest({ fault: 'reset' });
          }
          if (saidOfEach.has(answer.status)) return answerRest(toAnswer(answer));
          onNotTaken(answer.status);
          return eachAlone();
        },
        (error: unknown) => answerRest({ fault: faultOf(error) }),
      );
    return answers.map(({ promise }) => promise);
  };

const toAddressed = ({ request: { deviceId, body }, traceparent }: Sending) => ({
  device_id: deviceId,
  traceparent,
  notification: body,
});

const notificationAnswer = Compile(NotificationAnswer);

const isInLines = ({ status, headers }: Omit<HttpAnswer, 'body'>): boolean =>
  status === 200 && single(headers['content-type'])?.toLowerCase().startsWith(linesOfJson) === true;

/**
 * Statuses of a whole request that each notification would have got alone: who may push, how much, and whether anything
 * works at all. push-service never sends 403, but something in front of it may, because it dislikes the text of one
 * notification. MongoosePush answers 500 to a route that it does not have.
 */
const saidOfEach: ReadonlySet<number> = new Set([401, 408, 429, 502, 503, 504]);
