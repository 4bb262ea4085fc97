import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import manifest from '../../package.json' with { type: 'json' };
import type { Provider } from '../ports.ts';
import { acceptsJson, refuseOtherMethods, sendRefusal } from './refusals.ts';

type Deps = { readonly providers: readonly Provider[]; readonly clock: () => number };

/** MongoosePush’s shape of draft-inadarei-api-health-check. */
export const Health = Type.Object({
  status: Type.Enum(['pass', 'warn', 'fail']),
  version: Type.String(),
  description: Type.String(),
  checks: Type.Record(
    Type.String({ pattern: '^pool:' }),
    Type.Array(
      Type.Object({
        status: Type.Enum(['pass', 'fail']),
        time: Type.String({ format: 'date-time' }),
        output: Type.Object({ connected: Type.Integer(), disconnected: Type.Integer() }),
      }),
    ),
  ),
});
type Health = Static<typeof Health>;

/** `GET /healthcheck`: a pool passes with one connection; 503 only when no pool has any. */
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

const toHealth = (providers: readonly Provider[], now: number): Health => {
  // One pool may serve both modes.
  const byName = new Map(providers.map(({ name, connections }) => [`pool:${name}`, connections]));
  const pools = [...byName].map(([name, connections]) => {
    const output = connections();
    const status: 'pass' | 'fail' = output.connected > 0 ? 'pass' : 'fail';
    return { name, check: { status, time: new Date(now).toISOString(), output } };
  });
  const passed = pools.filter(({ check }) => check.status === 'pass').length;
  return {
    status: passed === 0 ? 'fail' : passed < pools.length ? 'warn' : 'pass',
    version: manifest.version,
    description: 'Health of the connections to the push services',
    checks: Object.fromEntries(pools.map(({ name, check }) => [name, [check]])),
  };
};
