import type { PushNode, Registration } from '../src/domain/node.ts';
import type { NodeStore, RegistrationStore } from '../src/ports.ts';

/** The store in memory, for tests: the Redis store must pass the same tests. */
export const createMemoryStore = (clock: () => number = Date.now): NodeStore & RegistrationStore => {
  const nodes = new Map<string, PushNode & { readonly forgetAt?: number }>();
  const indexes = new Map<string, Set<string>>();
  const users = new Map<string, Map<string, Registration>>();
  const key = (...parts: readonly string[]): string => JSON.stringify(parts);

  const find = (host: string, node: string): PushNode | undefined => {
    const found = nodes.get(key(host, node));
    if (!found || (found.forgetAt !== undefined && found.forgetAt <= clock())) return undefined;
    const { forgetAt: _, ...pushNode } = found;
    return pushNode;
  };
  const change = (
    host: string,
    node: string,
    version: number | undefined,
    next: (found: PushNode | undefined) => void,
  ) => {
    const found = find(host, node);
    if (found?.version !== version) return Promise.resolve('changed' as const);
    next(found);
    return Promise.resolve('done' as const);
  };

  return {
    readNode: (host, node) => Promise.resolve(find(host, node)),
    createNode: (node, replaces) =>
      change(node.host, node.node, replaces, () => nodes.set(key(node.host, node.node), node)),
    changeNode: (host, node, version, { secret, ...changes }) =>
      find(host, node)?.retiredAt === undefined
        ? change(host, node, version, (found) => {
            if (!found) return;
            const { secret: before, ...others } = found;
            const after = secret ?? before;
            nodes.set(key(host, node), {
              ...others,
              ...changes,
              ...(after && { secret: after }),
              version: version + 1,
            });
          })
        : Promise.resolve('changed'),
    deleteNode: (host, node, version) => change(host, node, version, () => nodes.delete(key(host, node))),
    renewNode: (host, node, version, device) =>
      change(host, node, version, (found) => {
        if (!found) return;
        const { retiredAt: _, ...living } = found;
        nodes.set(key(host, node), { ...living, device, version: version + 1 });
      }),
    retireNode: (host, node, version, at, keepMs) =>
      change(host, node, version, (found) => {
        if (found) nodes.set(key(host, node), { ...found, retiredAt: at, forgetAt: clock() + keepMs });
      }),
    nodesOf: (host, owner) => Promise.resolve([...(indexes.get(key(host, owner)) ?? [])]),
    addToIndex: (host, owner, node, limit) => {
      const index = indexes.get(key(host, owner)) ?? new Set();
      if (!index.has(node) && index.size >= limit) return Promise.resolve(false);
      indexes.set(key(host, owner), index.add(node));
      return Promise.resolve(true);
    },
    removeFromIndex: (host, owner, node) => {
      indexes.get(key(host, owner))?.delete(node);
      return Promise.resolve();
    },

    enable: (user, registration, limit) => {
      const own = users.get(user) ?? new Map<string, Registration>();
      const field = key(registration.service, registration.node);
      if (!own.has(field) && own.size >= limit) return Promise.resolve('too-many');
      users.set(user, own.set(field, registration));
      return Promise.resolve('done');
    },
    disable: (user, service, node) => {
      const own = users.get(user) ?? new Map<string, Registration>();
      const fields = [...own]
        .filter(([, each]) => each.service === service && (node === undefined || each.node === node))
        .map(([field]) => field);
      for (const field of fields) own.delete(field);
      return Promise.resolve(fields.length);
    },
    registrationsOf: (user) => Promise.resolve([...(users.get(user)?.values() ?? [])]),
  };
};
