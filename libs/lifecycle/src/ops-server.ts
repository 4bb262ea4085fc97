import { fastify } from 'fastify';
import type { Log, Metrics } from '@pushmesh/telemetry';
import { listenOn } from './listen.ts';
import type { Resource } from './run.ts';

type Options = {
  readonly host: string;
  readonly port: number;
  readonly log: Log;
  readonly metrics: Metrics;
  /** `/readyz` answers 200 while the `missing` of each returns `undefined`. */
  readonly resources: readonly Resource[];
};

/**
 * The HTTP server for operators and Kubernetes:
 * `/livez`: 200 while the event loop runs, whatever else is down;
 * `/readyz`: 200 with `{ready:true}`, or 503 with what is missing, by resource;
 * `/metrics`: Prometheus text.
 */
export const createOpsServer = ({ host, port, log, metrics, resources }: Options) => {
  const server = fastify({ logger: false });
  let stopping = false;

  server.get('/livez', () => ({ live: true }));
  server.get('/readyz', (_request, reply) => {
    const missing = Object.fromEntries(
      resources.flatMap((resource) => {
        const why = resource.missing?.();
        return why ? [[resource.name, why]] : [];
      }),
    );
    const ready = !stopping && Object.keys(missing).length === 0;
    return reply.code(ready ? 200 : 503).send({ ready, ...(stopping && { stopping }), missing });
  });
  server.get('/metrics', async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );

  return {
    resource: {
      name: 'ops-server',
      start: async () => {
        const variables = ['OPS_HOST', 'OPS_PORT'] as const;
        await listenOn({ host, port, variables }, () => server.listen({ host, port }));
        log.info({ event: 'ops-listening', address: server.listeningOrigin });
      },
      stop: () => server.close(),
    } satisfies Resource,
    /** From now on `/readyz` answers 503, and says that the service is stopping. */
    markStopping: () => {
      stopping = true;
    },
    address: () => server.listeningOrigin,
  };
};
