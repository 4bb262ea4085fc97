import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Log } from '@pushmesh/telemetry';
import type {
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onRequestHookHandler,
  RouteOptions,
} from 'fastify';
import { castError } from './cast-request.ts';
import type { CastError } from './cast-request.ts';

// What MongoosePush answers with an empty 500, answered properly. `reason` is the word that v3 callers look at,
// `details` the one of v1 and v2. Nothing of the request is repeated: its path holds a device token.

/** `at` is where it can happen: to a push, to every request, or beside the methods and routes that there are. */
export const refusals = {
  malformed_request: { status: 400, at: 'every', details: 'the request is not one of HTTP' },
  malformed_json: { status: 400, at: 'push', details: 'the body is not JSON, or is nested too deeply' },
  malformed_path: { status: 400, at: 'push', details: 'the path has a percent sign that encodes nothing' },
  unauthorized: { status: 401, at: 'push', details: 'expected the header authorization: Bearer, with a valid token' },
  no_such_route: {
    status: 404,
    at: 'other_route',
    details: 'expected POST /v3/notification/{device_id}, POST /v3/notifications or GET /healthcheck',
  },
  method_not_allowed: { status: 405, at: 'other_method', details: 'see the header allow' },
  not_acceptable: {
    status: 406,
    at: 'every',
    details: 'the answer is JSON, which the header accept leaves out',
  },
  request_timeout: { status: 408, at: 'every', details: 'the request did not arrive completely in time' },
  payload_too_large: { status: 413, at: 'push', details: 'the request is larger than any push service takes' },
  header_too_large: { status: 431, at: 'every', details: 'the path and the headers are larger than 16 KiB' },
  internal_error: { status: 500, at: 'every', details: 'a fault of this server; its log has more' },
} as const;

export const sendRefusal = (reply: FastifyReply, reason: keyof typeof refusals): FastifyReply => {
  const { status, details } = refusals[reason];
  return reply.code(status).send({ reason, details });
};

/** Answers what fastify itself refuses, and bugs. */
export const onFastifyError = (log: Log) => (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
  if (error.code === 'FST_ERR_BAD_URL') return sendRefusal(reply, 'malformed_path');
  if (error.statusCode === 413) {
    // fastify’s own, which means nothing in HTTP/2 (RFC 9113 §8.2.2): Node warns of it.
    if (request.raw.httpVersionMajor === 2) reply.removeHeader('connection');
    return sendRefusal(reply, 'payload_too_large');
  }
  if (error.statusCode !== undefined && error.statusCode < 500) return sendRefusal(reply, 'malformed_request');
  logFault(log, error);
  return sendRefusal(reply, 'internal_error');
};

/** Logs a bug. The message of an error may quote what it stumbled on; its name and place do not. */
export const logFault = (log: Log, { name, code, stack }: NodeJS.ErrnoException): void => {
  const at = stack?.split('\n').filter((line) => line.startsWith('    at '));
  log.error({ event: 'fault', error: name, code, at });
};

/** Answers 422 with the places that do not fit, as MongoosePush does. */
export const sendErrors = (reply: FastifyReply, errors: readonly CastError[]): FastifyReply =>
  reply.code(422).send({ errors });

/** Refuses headers that promise no JSON, or do not take the answer; `sent` is what may come beside JSON. */
export const checkHeaders =
  (...sent: readonly string[]): onRequestHookHandler =>
  (request, reply, done) => {
    const { accept, 'content-type': type } = request.headers;
    if (!acceptsJson(accept, sent)) sendRefusal(reply, 'not_acceptable');
    else if (type === undefined) sendErrors(reply, [castError('Missing header: content-type', [])]);
    else if (type.split(';')[0]?.trim().toLowerCase() !== 'application/json')
      sendErrors(reply, [castError('Invalid value for header: content-type', [])]);
    else done();
  };

const clientErrors: Readonly<Record<string, keyof typeof refusals>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'header_too_large',
};

/** Answers what is no HTTP/1.1 request, on its bare socket; other trouble of a connection, TLS included, ends it silently. */
export const onClientError = ({ code = '' }: NodeJS.ErrnoException, socket: Socket): void => {
  if (!socket.writable || (!code.startsWith('HPE_') && !clientErrors[code])) return void socket.destroy();
  const reason = clientErrors[code] ?? 'malformed_request';
  const { status, details } = refusals[reason];
  const body = JSON.stringify({ reason, details });
  socket.write(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\n` +
      `content-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  socket.destroySoon();
};

/** Answers 405 to all methods of `url` but `allowed`. */
export const refuseOtherMethods = (
  server: FastifyInstance,
  url: string,
  allowed: readonly string[],
  hooks: Pick<RouteOptions, 'onSend'> = {},
): void => {
  server.route({
    ...hooks,
    method: server.supportedMethods.filter((method) => !allowed.includes(method)),
    url,
    exposeHeadRoute: false,
    handler: (_request, reply) => sendRefusal(reply.header('allow', allowed.join(', ')), 'method_not_allowed'),
  });
};

const json = new Set(['*/*', 'application/*', 'application/json']);

/** Whether an `accept` header admits JSON, or one of the other types; an absent or empty one does. */
export const acceptsJson = (accept: string | undefined, others: readonly string[] = []): boolean =>
  !accept ||
  accept.split(',').some((range) => {
    const type = range.split(';')[0]?.trim().toLowerCase() ?? '';
    return json.has(type) || others.includes(type);
  });
