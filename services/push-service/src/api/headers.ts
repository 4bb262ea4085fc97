import type { onRequestHookHandler } from 'fastify';
import { castError } from './cast-request.ts';
import { sendErrors, sendRefusal } from './refusals.ts';

/**
 * Refuses requests that do not declare JSON or do not accept the answer; `sent` are the other types that the route may
 * send.
 */
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

const json = new Set(['*/*', 'application/*', 'application/json']);

/** Whether an `accept` header admits JSON or one of the other types; an absent or empty header does. */
export const acceptsJson = (accept: string | undefined, others: readonly string[] = []): boolean =>
  !accept ||
  accept.split(',').some((range) => {
    const type = range.split(';')[0]?.trim().toLowerCase() ?? '';
    return json.has(type) || others.includes(type);
  });
