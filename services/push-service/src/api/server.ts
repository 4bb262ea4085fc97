import { maxRequestBytes } from '@pushmesh/contracts';
import { fastify } from 'fastify';
import type { FastifyInstance } from 'fastify';
import { listenOn } from '@pushmesh/lifecycle';
import type { Resource } from '@pushmesh/lifecycle';
import type { Log } from '@pushmesh/telemetry';
import { addressVariables } from './settings.ts';
import type { HttpSettings } from './settings.ts';
import { createPush } from '../push/push.ts';
import { createPushHandler } from './push-handler.ts';
import { requireBearer } from './authentication.ts';
import { healthcheck } from './healthcheck.ts';
import { notificationsApi } from './notifications-route.ts';
import { openApi } from './openapi.ts';
import { countUnreadable, pushApi } from './notification-route.ts';
import { onClientError, onFastifyError, sendRefusal } from './refusals.ts';
import { createTransport } from './transport.ts';
import type { Timeouts } from './transport.ts';
import type { CredentialAlerts } from '../push/credential-alerts.ts';
import type { Provider } from '../push/provider.ts';
import type { PushServiceMetrics } from '../metrics.ts';

type Deps = {
  readonly http: HttpSettings;
  readonly timeouts?: Partial<Timeouts>;
  readonly providers: readonly Provider[];
  readonly alerts: CredentialAlerts;
  /** Routes besides the API: those of the sandbox. */
  readonly routes?: (server: FastifyInstance) => void;
  readonly log: Log;
  readonly metrics: PushServiceMetrics;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
};

/** The MongoosePush-compatible HTTP server, not yet listening. */
export const createPushService = ({ http, timeouts, providers, alerts, routes, log, metrics, clock }: Deps) => {
  const onError = onFastifyError(log);
  const transport = createTransport(
    { tls: http.tls, maxConnections: http.maxConnections, ...(timeouts && { timeouts }) },
    { log, metrics },
  );
  const server = fastify({
    logger: false,
    // Far above the 4 KiB of a push, so that the push service's own limit decides about a text that is too long.
    bodyLimit: maxRequestBytes,
    serverFactory: transport.listen,
    // Requests that arrive on open connections while we stop are answered like any other.
    return503OnClosing: false,
    clientErrorHandler: onClientError,
    // Device tokens have no fixed length; in a path, the size of the HTTP header is the limit.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 16_384 },
    frameworkErrors: (error, request, reply) => {
      onError(error, request, reply);
      countUnreadable(metrics, request.url, reply.statusCode);
    },
  });
  // Bodies stay text until a route knows what they should contain.
  server.removeAllContentTypeParsers();
  // By this exact name fastify finds the parser without parsing the header each time.
  server.addContentTypeParser(['application/json', '*'], { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  );
  server.setErrorHandler(onError);
  server.setNotFoundHandler((_request, reply) => sendRefusal(reply, 'no_such_route'));

  if (http.bearerTokens.length > 0)
    requireBearer({ tokens: http.bearerTokens, onRefused: () => metrics.unauthorized.inc() })(server);
  const handlePush = createPushHandler({ push: createPush({ providers, alerts, metrics, clock }), log, metrics });
  pushApi({ handlePush, metrics })(server);
  notificationsApi({ handlePush, log, metrics })(server);
  healthcheck({ providers, alerts, clock })(server);
  if (http.exposeSpec) openApi(server);
  routes?.(server);

  const address = () => server.listeningOrigin.replace(/^http/, transport.scheme);

  return {
    server,
    /** Draining answers the requests that were taken, and closes each connection as soon as nothing is under way on it. */
    resource: {
      name: 'http',
      start: async () => {
        const { host, port } = http;
        await listenOn({ host, port, variables: addressVariables(http) }, () => server.listen({ host, port }));
        log.info({ event: 'listening', address: address() });
      },
      drain: () => transport.drain(() => server.close()),
    } satisfies Resource,
    address,
  };
};
