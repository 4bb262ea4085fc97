import { fastify } from 'fastify';
import type { FastifyInstance } from 'fastify';
import type { Resource } from '@pushmesh/lifecycle';
import type { Log, metricNames, MetricsOf } from '@pushmesh/telemetry';
import { createPush } from './flow/push.ts';
import { healthcheck } from './http/healthcheck.ts';
import { pushApi } from './http/push-api.ts';
import { onFastifyError, sendRefusal } from './http/refusals.ts';
import type { Provider } from './ports.ts';

type Deps = {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly providers: readonly Provider[];
  /** More routes beside the API: those of the sandbox. */
  readonly routes?: (server: FastifyInstance) => void;
  readonly log: Log;
  readonly metrics: MetricsOf<typeof metricNames.pushService>;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
};

/** Bytes; far above the 4 KiB of a push, so that too long a text is judged by the push service’s own limit. */
const bodyLimit = 262_144;

/** The MongoosePush-compatible HTTP server, not yet listening. */
export const createPushService = ({ host, port, providers, routes, log, metrics, clock }: Deps) => {
  const onError = onFastifyError(log);
  const server = fastify({
    logger: false,
    bodyLimit,
    requestTimeout: 30_000,
    // Device tokens have no fixed length; the size of the HTTP header is the limit.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 16_384 },
    frameworkErrors: (error, request, reply) => void onError(error, request, reply),
  });
  // Bodies stay text until a route knows what they should be.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  server.setErrorHandler(onError);
  server.setNotFoundHandler((_request, reply) => sendRefusal(reply, 'no_such_route'));

  pushApi({ push: createPush({ providers, metrics }), log, metrics })(server);
  healthcheck({ providers, clock })(server);
  routes?.(server);

  return {
    server,
    /** Draining answers what was taken and refuses the rest. */
    resource: {
      name: 'http',
      start: async () => {
        await server.listen({ host, port });
        log.info({ event: 'listening', address: server.listeningOrigin });
      },
      drain: () => server.close(),
    } satisfies Resource,
    address: () => server.listeningOrigin,
  };
};
