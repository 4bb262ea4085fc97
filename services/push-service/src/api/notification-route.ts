import { notificationsHeader, notificationsPerRequest, pushApiVersions } from '@pushmesh/contracts';
import type { PushApiVersion, PushService } from '@pushmesh/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest, onSendHookHandler } from 'fastify';
import { parseJsonToPassOn } from '../push/parse-json.ts';
import { readPushRequest } from './push-request.ts';
import type { PushHandler } from './push-handler.ts';
import { checkHeaders } from './headers.ts';
import { refuseOtherMethods, sendErrors, sendRefusal } from './refusals.ts';
import type { PushServiceMetrics } from '../metrics.ts';

type Requests = Pick<PushServiceMetrics, 'requests'>;
type Deps = { readonly handlePush: PushHandler; readonly metrics: Requests };
type Request = FastifyRequest<{ Params: { device_id: string }; Body: string | undefined }>;

/** The request decorator that holds its push service; `none` until the request has been read. */
const pushService = 'pushService';

/** `POST /{version}/notification/{device_id}`, the three versions of the MongoosePush API. */
export const pushApi =
  (deps: Deps) =>
  (server: FastifyInstance): void => {
    server.decorateRequest(pushService, 'none');
    for (const version of pushApiVersions) {
      const url = `${base(version)}:device_id`;
      const onSend = countAnswers(version, deps.metrics);
      server.post(url, { onRequest: checkHeaders(), onSend, handler: handle(version, deps) });
      refuseOtherMethods(server, url, ['POST'], { onSend });
    }
  };

const base = (version: PushApiVersion) => `/${version}/notification/`;

/**
 * Counts answers, whether they come from the handler, a hook before it, or the error handler; also if the caller has
 * hung up.
 */
export const countAnswers =
  (version: PushApiVersion, { requests }: Requests): onSendHookHandler =>
  (request, { statusCode }, payload, done) => {
    const push_service = request.getDecorator<PushService | 'none'>(pushService);
    requests.inc({ version, push_service, status: String(statusCode) });
    done(null, payload);
  };

/** Counts an answer to a path of the push API that fastify could not read, so that no route or hook saw it. */
export const countUnreadable = ({ requests }: Requests, url: string, status: number): void => {
  const version = pushApiVersions.find((each) => url.startsWith(base(each)));
  if (version) requests.inc({ version, push_service: 'none', status: String(status) });
};

const handle =
  (version: PushApiVersion, { handlePush }: Deps) =>
  async (request: Request, reply: FastifyReply) => {
    // An empty body counts as an empty object.
    const body = parseJsonToPassOn(request.body || '{}');
    if (body === undefined) return sendRefusal(reply, 'malformed_json');
    const read = readPushRequest(version, request.params.device_id, body);
    if (!read.ok) return sendErrors(reply, read.errors);

    request.setDecorator(pushService, read.value.service);
    const {
      status,
      headers,
      body: text,
    } = await handlePush(version, read.value, request.headers['traceparent']?.toString());
    if (version === 'v3') reply.header(notificationsHeader, notificationsPerRequest);
    return reply.code(status).headers(headers).type('application/json; charset=utf-8').send(text);
  };
