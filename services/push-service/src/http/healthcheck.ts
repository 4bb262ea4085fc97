import type { FastifyInstance } from 'fastify';
import manifest from '../../package.json' with { type: 'json' };
import type { Provider } from '../ports.ts';
import { acceptsJson, refuseOtherMethods, sendRefusal } from './refusals.ts';

type Deps = { readonly providers: readonly Provider[]; readonly clock: () => number };

/**
 * `GET /healthcheck` in MongoosePush's shape (draft-inadarei-api-health-check): a pool passes with one connection;
 * 503 only when no pool has any.
 */
export const healthcheck =
  ({ providers, clock }: Deps) =>
  (server: FastifyInstance): void => {
    server.get('/healthcheck', (request, reply) => {
      if (!acceptsJson(request.headers.accept)) return sendRefusal(reply, 'not_acceptable');
      const health = toHealth(providers, clock());
      return reply.code(health.status === 'fail' ? 503 : 200).send(health);
    });
    refuseOtherMethods(server, '/healthcheck', ['GET', 'HEAD']);
  };

const toHealth = (providers: readonly Provider[], now: number) => {
  const pools = providers.map(({ service, mode, connections }) => {
    const output = connections();
    const status = output.connected > 0 ? 'pass' : 'fail';
    return { name: `pool:${service}_${mode}`, check: { status, time: new Date(now).toISOString(), output } };
  });
  const passed = pools.filter(({ check }) => check.status === 'pass').length;
  return {
    status: passed === 0 ? 'fail' : passed < pools.length ? 'warn' : 'pass',
    version: manifest.version,
    description: 'Health of the connections to FCM and APNS services',
    checks: Object.fromEntries(pools.map(({ name, check }) => [name, [check]])),
  };
};
