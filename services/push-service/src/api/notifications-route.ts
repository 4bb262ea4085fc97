import { setImmediate as endOfTurn } from 'node:timers/promises';
import { AddressedNotification, linesOfJson, notificationsPerRequest } from '@pushmesh/contracts';
import type { PushService } from '@pushmesh/contracts';
import type { Log } from '@pushmesh/telemetry';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { castError, castRequest } from './cast-request.ts';
import type { Cast, CastError } from './cast-request.ts';
import type { ApiAnswer } from './api-answer.ts';
import { maxDepth, parseJsonToPassOn } from '../push/parse-json.ts';
import { readPushRequest } from './push-request.ts';
import type { PushHandler } from './push-handler.ts';
import { countAnswers } from './notification-route.ts';
import { checkHeaders } from './headers.ts';
import { logFault, refusals, refuseOtherMethods, sendErrors, sendRefusal } from './refusals.ts';
import type { PushServiceMetrics } from '../metrics.ts';

type Deps = {
  readonly handlePush: PushHandler;
  readonly log: Log;
  readonly metrics: Pick<PushServiceMetrics, 'requests'>;
};
type Answered = ApiAnswer & { readonly service: PushService | 'none' };

const url = '/v3/notifications';

/** The array, and the object around each notification in it. */
const depthOfArray = 2;

/**
 * In bytes. No token is nearly as long; in a request of its own it would have to fit into the path, which has this
 * limit.
 */
const maxDeviceIdBytes = 16_384;

/**
 * `POST /v3/notifications`: several notifications at once, each answered as if it had come alone, on a line of its own as
 * soon as its answer is known. MongoosePush has no such route; it exists because a request costs more than the push in it.
 */
export const notificationsApi =
  (deps: Deps) =>
  (server: FastifyInstance): void => {
    // Answers in lines are counted line by line, and do not pass through this hook.
    const onSend = countAnswers('v3', deps.metrics);
    server.post(url, { onRequest: checkHeaders(linesOfJson), onSend, handler: handle(deps) });
    refuseOtherMethods(server, url, ['POST'], { onSend });
  };

const handle =
  (deps: Deps) =>
  (request: FastifyRequest<{ Body: string | undefined }>, reply: FastifyReply): FastifyReply => {
    const body = parseJsonToPassOn(request.body ?? '', maxDepth + depthOfArray);
    if (body === undefined) return sendRefusal(reply, 'malformed_json');
    const read = readNotifications(body);
    if (!read.ok) return sendErrors(reply, read.errors);
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': linesOfJson });
    const write = linesTo(reply.raw, read.value.length);
    for (const [place, notification] of read.value.entries())
      void answerOne(notification, deps).then(({ service, ...answer }) => {
        deps.metrics.requests.inc({ version: 'v3', push_service: service, status: String(answer.status) });
        write(lineOf(place, answer));
      });
    return reply;
  };

const Notifications = Type.Array(AddressedNotification);

/**
 * Reads the array only; an error in a notification is the answer to that notification. The length is checked first, because
 * each item that does not fit costs an error.
 */
const readNotifications = (body: unknown): Cast<readonly AddressedNotification[]> =>
  Array.isArray(body) && (body.length === 0 || body.length > notificationsPerRequest)
    ? { ok: false, errors: [castError(`Expected 1 to ${notificationsPerRequest} notifications`, [])] }
    : castRequest(Notifications, body);

/** Whether a path could hold it as a device id: it can be encoded, is not empty and not too long. */
const isDeviceId = (text: string): boolean =>
  text !== '' && text.isWellFormed() && Buffer.byteLength(text) <= maxDeviceIdBytes;

const misfit = (errors: readonly CastError[]): Answered => ({
  service: 'none',
  status: 422,
  headers: {},
  body: JSON.stringify({ errors }),
});

const answerOne = async (
  { device_id, traceparent, notification }: AddressedNotification,
  { handlePush, log }: Deps,
): Promise<Answered> => {
  if (!isDeviceId(device_id)) return misfit([castError('Invalid device id', ['device_id'])]);
  const read = readPushRequest('v3', device_id, notification);
  if (!read.ok) return misfit(read.errors);
  const { service } = read.value;
  try {
    return { service, ...(await handlePush('v3', read.value, traceparent)) };
  } catch (error) {
    logFault(log, error as Error);
    const { status, details } = refusals.internal_error;
    return { service, status, headers: {}, body: JSON.stringify({ reason: 'internal_error', details }) };
  }
};

/** A `NotificationAnswer` as a line. */
const lineOf = (place: number, { status, headers, body }: ApiAnswer): string => {
  const told = Object.keys(headers).length > 0 ? `,"headers":${JSON.stringify(headers)}` : '';
  return `{"place":${place},"status":${status}${told},"body":${body}}\n`;
};

/** Writes the lines of one turn of the event loop together, and ends with the last of `count`. */
const linesTo = (response: FastifyReply['raw'], count: number) => {
  let text = '';
  let written = 0;
  const flush = async (): Promise<void> => {
    await endOfTurn();
    if (written === count) response.end(text);
    else response.write(text);
    text = '';
  };
  return (line: string): void => {
    if (text === '') void flush();
    text += line;
    written += 1;
  };
};
