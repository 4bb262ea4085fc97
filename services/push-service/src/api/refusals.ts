import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Log } from '@pushmesh/telemetry';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import type { CastError } from './cast-request.ts';

// Proper answers where MongoosePush sends an empty 500. v3 callers look at `reason`, those of v1 and v2 at `details`.
// Nothing of the request is repeated: its path holds a device token.

/** `at` says where it can happen: to a push, to any request, or to methods and routes that do not exist. */
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
    // fastify sets it, but it has no meaning in HTTP/2 (RFC 9113 §8.2.2) and Node warns about it.
    if (request.raw.httpVersionMajor === 2) reply.removeHeader('connection');
    return sendRefusal(reply, 'payload_too_large');
  }
  if (error.statusCode !== undefined && error.statusCode < 500) return sendRefusal(reply, 'malformed_request');
  logFault(log, error);
  return sendRefusal(reply, 'internal_error');
};

/** Logs a bug. An error's message may quote the input that caused it; its name and stack do not. */
export const logFault = (log: Log, { name, code, stack }: NodeJS.ErrnoException): void => {
  const at = stack?.split('\n').filter((line) => line.startsWith('    at '));
  log.error({ event: 'fault', error: name, code, at });
};

/** Answers 422 with the errors and their places, as MongoosePush does. */
export const sendErrors = (reply: FastifyReply, errors: readonly CastError[]): FastifyReply =>
  reply.code(422).send({ errors });

const clientErrors: Readonly<Record<string, keyof typeof refusals>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'header_too_large',
};

/**
 * Answers input that is not an HTTP/1.1 request, on the bare socket. Any other connection error, TLS included, closes
 * it silently.
 */
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

/** Answers 405 to all methods of `url` except `allowed`. */
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
