import { pushApiVersions } from '@pushmesh/contracts';
import type { PushApiVersion, PushService } from '@pushmesh/contracts';
import { traceIdOf } from '@pushmesh/telemetry';
import type { Log, metricNames, MetricsOf } from '@pushmesh/telemetry';
import type { FastifyInstance, FastifyReply, FastifyRequest, onRequestHookHandler, onSendHookHandler } from 'fastify';
import { castError } from '../domain/cast-request.ts';
import type { CastError } from '../domain/cast-request.ts';
import { toHttpAnswer } from '../domain/http-answer.ts';
import { parseJson } from '../domain/parse-json.ts';
import { readPushRequest } from '../domain/push-request.ts';
import type { Push } from '../flow/push.ts';
import { acceptsJson, refuseOtherMethods, sendRefusal } from './refusals.ts';

type Deps = {
  readonly push: Push;
  readonly log: Log;
  readonly metrics: Pick<MetricsOf<typeof metricNames.pushService>, 'requests' | 'requestSeconds'>;
};
type Request = FastifyRequest<{ Params: { device_id: string }; Body: string | undefined }>;
type Requests = Pick<Deps['metrics'], 'requests'>;

/** Decorates the requests; `none` until one could be read. */
const pushService = 'pushService';

/** `POST /{version}/notification/{device_id}`, the three versions of the MongoosePush API. */
export const pushApi =
  (deps: Deps) =>
  (server: FastifyInstance): void => {
    server.decorateRequest(pushService, 'none');
    for (const version of pushApiVersions) {
      const url = `${base(version)}:device_id`;
      const onSend = countAnswers(version, deps.metrics);
      server.post(url, { onRequest: checkHeaders, onSend, handler: handle(version, deps) });
      refuseOtherMethods(server, url, ['POST'], { onSend });
    }
  };

const base = (version: PushApiVersion) => `/${version}/notification/`;

/** Whoever answers: the handler, a hook before it, or the handler of errors. A caller that has hung up counts, too. */
const countAnswers =
  (version: PushApiVersion, { requests }: Requests): onSendHookHandler =>
  (request, { statusCode }, payload, done) => {
    const push_service = request.getDecorator<PushService | 'none'>(pushService);
    requests.inc({ version, push_service, status: String(statusCode) });
    done(null, payload);
  };

/** Counts an answer to a path of the push API that fastify could not read, and that no route and its hooks saw. */
export const countUnreadable = ({ requests }: Requests, url: string, status: number): void => {
  const version = pushApiVersions.find((each) => url.startsWith(base(each)));
  if (version) requests.inc({ version, push_service: 'none', status: String(status) });
};

const checkHeaders: onRequestHookHandler = (request, reply, done) => {
  const { accept, 'content-type': type } = request.headers;
  if (!acceptsJson(accept)) sendRefusal(reply, 'not_acceptable');
  else if (type === undefined) sendErrors(reply, [castError('Missing header: content-type', [])]);
  else if (type.split(';')[0]?.trim().toLowerCase() !== 'application/json')
    sendErrors(reply, [castError('Invalid value for header: content-type', [])]);
  else done();
};

const handle =
  (version: PushApiVersion, { push, log, metrics }: Deps) =>
  async (request: Request, reply: FastifyReply) => {
    const stop = metrics.requestSeconds.startTimer({ version });
    // An empty body counts as an empty object.
    const body = parseJson(request.body || '{}');
    if (body === undefined) return sendRefusal(reply, 'malformed_json');
    const read = readPushRequest(version, request.params.device_id, body);
    if (!read.ok) return sendErrors(reply, read.errors);

    const { service, mode } = read.value;
    request.setDecorator(pushService, service);
    const answer = await push(read.value);
    const seconds = stop();
    const traceId = traceIdOf(request.headers['traceparent']?.toString());
    log.debug({ event: 'push', traceId, version, service, mode, category: answer.category, seconds });
    const { status, headers, body: text } = toHttpAnswer(version, answer);
    return reply.code(status).headers(headers).type('application/json; charset=utf-8').send(text);
  };

const sendErrors = (reply: FastifyReply, errors: readonly CastError[]) => reply.code(422).send({ errors });
