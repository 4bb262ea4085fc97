import type { Log } from '@pushmesh/telemetry';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

// What MongoosePush answers with an empty 500, answered properly. `reason` is the word that v3 callers look at,
// `details` the one of v1 and v2. Nothing of the request is repeated: its path holds a device token.

const refusals = {
  malformed_request: { status: 400, details: 'the request is not one of HTTP' },
  malformed_json: { status: 400, details: 'the body is not JSON, or is nested too deeply' },
  malformed_path: { status: 400, details: 'the path has a percent sign that encodes nothing' },
  no_such_route: { status: 404, details: 'expected POST /v3/notification/{device_id} or GET /healthcheck' },
  method_not_allowed: { status: 405, details: 'see the header allow' },
  not_acceptable: { status: 406, details: 'the answer is application/json, which the header accept leaves out' },
  payload_too_large: { status: 413, details: 'the request is larger than any push service takes' },
  internal_error: { status: 500, details: 'a fault of this server; its log has more' },
} as const;

export const sendRefusal = (reply: FastifyReply, reason: keyof typeof refusals): FastifyReply => {
  const { status, details } = refusals[reason];
  return reply.code(status).send({ reason, details });
};

/** Answers what fastify itself refuses, and bugs. */
export const onFastifyError = (log: Log) => (error: FastifyError, _request: FastifyRequest, reply: FastifyReply) => {
  if (error.code === 'FST_ERR_BAD_URL') return sendRefusal(reply, 'malformed_path');
  if (error.statusCode === 413) return sendRefusal(reply, 'payload_too_large');
  if (error.statusCode !== undefined && error.statusCode < 500) return sendRefusal(reply, 'malformed_request');
  // The message of an error may quote what it stumbled on; its name and place do not.
  const at = error.stack?.split('\n').filter((line) => line.startsWith('    at '));
  log.error({ event: 'fault', error: error.name, code: error.code, at });
  return sendRefusal(reply, 'internal_error');
};

/** Answers 405 to all methods of `url` but `allowed`. */
export const refuseOtherMethods = (server: FastifyInstance, url: string, allowed: readonly string[]): void => {
  server.route({
    method: server.supportedMethods.filter((method) => !allowed.includes(method)),
    url,
    exposeHeadRoute: false,
    handler: (_request, reply) => sendRefusal(reply.header('allow', allowed.join(', ')), 'method_not_allowed'),
  });
};

const json = new Set(['*/*', 'application/*', 'application/json']);

/** Whether an `accept` header admits JSON; an absent or empty one does. */
export const acceptsJson = (accept: string | undefined): boolean =>
  !accept || accept.split(',').some((range) => json.has(range.split(';')[0]?.trim().toLowerCase() ?? ''));
