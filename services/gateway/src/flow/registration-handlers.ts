import { errorOfReply } from '../domain/refusals.ts';
import { done } from './request-handler.ts';
import type { Handler } from './request-handler.ts';

export const enable: Handler<'enable'> = async (
  { type, user, service, node, options: given },
  { traceparent },
  { bus },
) => {
  const { secret: _, ...options } = given;
  const reply = await bus.request(type, { v: 1, user, service, node, options }, traceparent);
  return reply.type === 'enabled' ? done : { error: errorOfReply(type, reply) };
};

export const disable: Handler<'disable'> = async ({ type, user, service, node }, { traceparent }, { bus }) => {
  const reply = await bus.request(type, { v: 1, user, service, ...(node !== undefined && { node }) }, traceparent);
  return reply.type === 'disabled' ? done : { error: errorOfReply(type, reply) };
};
