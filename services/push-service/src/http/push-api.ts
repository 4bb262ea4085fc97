import { pushApiVersions } from '@pushmesh/contracts';
import type { PushApiVersion } from '@pushmesh/contracts';
import { traceIdOf } from '@pushmesh/telemetry';
import type { Log, metricNames, MetricsOf } from '@pushmesh/telemetry';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
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

/** `POST /{version}/notification/{device_id}`, the three versions of the MongoosePush API. */
export const pushApi =
  (deps: Deps) =>
  (server: FastifyInstance): void => {
    for (const version of pushApiVersions) {
      const url = `/${version}/notification/:device_id`;
      server.post(url, { onRequest: checkHeaders, handler: handle(version, deps) });
      refuseOtherMethods(server, url, ['POST']);
    }
  };

const checkHeaders = async (request: FastifyRequest, reply: FastifyReply) => {
  const { accept, 'content-type': type } = request.headers;
  if (!acceptsJson(accept)) return sendRefusal(reply, 'not_acceptable');
  if (type === undefined) return sendErrors(reply, [castError('Missing header: content-type', [])]);
  if (type.split(';')[0]?.trim().toLowerCase() === 'application/json') return undefined;
  return sendErrors(reply, [castError('Invalid value for header: content-type', [])]);
};

const handle = (version: PushApiVersion, { push, log, metrics }: Deps) => {
  const measured = (reply: FastifyReply, push_service: string) => {
    metrics.requests.inc({ version, push_service, status: String(reply.statusCode) });
    return reply;
  };

  return async (request: Request, reply: FastifyReply) => {
    const stop = metrics.requestSeconds.startTimer({ version });
    // An empty body counts as an empty object.
    const body = parseJson(request.body || '{}');
    if (body === undefined) return measured(sendRefusal(reply, 'malformed_json'), 'none');
    const read = readPushRequest(version, request.params.device_id, body);
    if (!read.ok) return measured(sendErrors(reply, read.errors), 'none');

    const { service, mode } = read.value;
    const answer = await push(read.value);
    const seconds = stop();
    const traceId = traceIdOf(request.headers['traceparent']?.toString());
    log.debug({ event: 'push', traceId, version, service, mode, category: answer.category, seconds });
    const { status, headers, body: text } = toHttpAnswer(version, answer);
    return measured(reply.code(status).headers(headers).type('application/json; charset=utf-8').send(text), service);
  };
};

const sendErrors = (reply: FastifyReply, errors: readonly CastError[]) => reply.code(422).send({ errors });
