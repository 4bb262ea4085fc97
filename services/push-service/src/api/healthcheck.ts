import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import manifest from '../../package.json' with { type: 'json' };
import type { CredentialAlerts } from '../push/credential-alerts.ts';
import type { Provider } from '../push/provider.ts';
import { acceptsJson } from './headers.ts';
import { refuseOtherMethods, sendRefusal } from './refusals.ts';

type Deps = {
  readonly providers: readonly Provider[];
  readonly alerts: Pick<CredentialAlerts, 'reasonFor'>;
  readonly clock: () => number;
};

/**
 * MongoosePush's form of draft-inadarei-api-health-check. `refused` is ours: the word of a push service that refuses
 * our credentials.
 */
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
        output: Type.Object({
          connected: Type.Integer(),
          disconnected: Type.Integer(),
          refused: Type.Optional(Type.String()),
        }),
      }),
    ),
  ),
});
type Health = Static<typeof Health>;

/**
 * `GET /healthcheck`: a pool passes if it has a connection and its credentials are not refused; 503 only if no pool has
 * a connection.
 */
export const healthcheck =
  (deps: Deps) =>
  (server: FastifyInstance): void => {
    server.get('/healthcheck', (request, reply) => {
      if (!acceptsJson(request.headers.accept)) return sendRefusal(reply, 'not_acceptable');
      const health = toHealth(deps);
      return reply.code(health.status === 'fail' ? 503 : 200).send(health);
    });
    refuseOtherMethods(server, '/healthcheck', ['GET', 'HEAD']);
  };

const toHealth = ({ providers, alerts, clock }: Deps): Health => {
  const time = new Date(clock()).toISOString();
  // One pool may serve both modes.
  const byName = new Map(providers.map(({ name, connections }) => [name, connections]));
  const pools = [...byName].map(([name, connections]) => {
    const refused = alerts.reasonFor(name);
    const output = { ...connections(), ...(refused !== undefined && { refused }) };
    const status: 'pass' | 'fail' = output.connected > 0 && refused === undefined ? 'pass' : 'fail';
    return { name: `pool:${name}`, check: { status, time, output } };
  });
  // While any pool is connected, another replica would be no better: it has the same credentials.
  const isDark = pools.every(({ check }) => check.output.connected === 0);
  return {
    status: isDark ? 'fail' : pools.every(({ check }) => check.status === 'pass') ? 'pass' : 'warn',
    version: manifest.version,
    description: 'Health of the connections to the push services',
    checks: Object.fromEntries(pools.map(({ name, check }) => [name, [check]])),
  };
};
