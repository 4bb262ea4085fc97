/**
 * The only place that spells a key. Every atomic operation has exactly one key, as a Redis Cluster would ask for.
 */
export const createKeys = (prefix: string) => ({
  /** hash: one push node */
  node: (host: string, node: string) => `${prefix}node:${host}/${node}`,
  /** set: names of the nodes that an owner created at a host */
  nodesOf: (host: string, owner: string) => `${prefix}nodes-of:${host}/${owner}`,
  /** hash: all registrations of one user, by JSON [service, node] */
  registrations: (user: string) => `${prefix}registrations:${user}`,
});
