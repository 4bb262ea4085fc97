import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { sendRefusal } from './refusals.ts';

type Deps = {
  readonly tokens: readonly string[];
  readonly onRefused: () => void;
};

/**
 * Demands one of the tokens (RFC 6750 §2.1) from every request, unknown routes included. Only `/healthcheck` is open: probes
 * carry no secrets, and it reveals none.
 */
export const requireBearer = ({ tokens, onRefused }: Deps) => {
  const known = tokens.map(digest);
  // All tokens are compared, by digests of equal length: the time that it takes reveals nothing.
  const isKnown = (token: string): boolean => {
    const shown = digest(token);
    return known.map((each) => timingSafeEqual(each, shown)).includes(true);
  };

  return (server: FastifyInstance): void => {
    server.addHook('onRequest', async (request, reply) => {
      if (request.routeOptions.url === '/healthcheck') return undefined;
      const { authorization } = request.headers;
      const token = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
      if (token !== undefined && isKnown(token)) return undefined;
      onRefused();
      // RFC 6750 §3.1: a request without authentication gets no error code.
      const challenge = `Bearer realm="push-service"${authorization === undefined ? '' : ', error="invalid_token"'}`;
      return sendRefusal(reply.header('www-authenticate', challenge), 'unauthorized');
    });
  };
};

const digest = (token: string): Buffer => createHash('sha256').update(token).digest();
