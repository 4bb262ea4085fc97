import type { Registration } from '../../domain/node.ts';
import type { RegistrationStore } from '../../ports.ts';
import type { RedisConnection } from './connection.ts';
import { createKeys } from './keys.ts';

/** Registrations in Redis. */
export const createRegistrationStore = (
  { client, scripts, available }: RedisConnection,
  keyPrefix: string,
): RegistrationStore => {
  const keys = createKeys(keyPrefix);
  return {
    enable: async (user, registration, limit) => {
      const { service, node, ...value } = registration;
      const code = scripts.enable(
        keys.registrations(user),
        JSON.stringify([service, node]),
        JSON.stringify(value),
        limit,
      );
      return (await available(code)) === 1 ? 'done' : 'too-many';
    },
    disable: (user, service, node) =>
      available(
        scripts.disable(keys.registrations(user), service, node === undefined ? '' : JSON.stringify([service, node])),
      ),
    registrationsOf: async (user) => {
      const fields = await available(client.hgetall(keys.registrations(user)));
      return Object.entries(fields).map(([field, json]) => {
        const [service = '', node = ''] = JSON.parse(field) as string[];
        return { service, node, ...(JSON.parse(json) as Pick<Registration, 'options' | 'enabledAt'>) };
      });
    },
  };
};
