/** The only place that spells keys. Every atomic operation uses exactly one key, as Redis Cluster would require. */
export const createKeys = (prefix: string) => ({
  /** hash: one push node */
  node: (host: string, node: string) => `${prefix}node:${host}/${node}`,
  /** set: the names of the nodes that an owner created at a host */
  nodesOf: (host: string, owner: string) => `${prefix}nodes-of:${host}/${owner}`,
  /** hash: all registrations of one user, keyed by JSON [service, node] */
  registrations: (user: string) => `${prefix}registrations:${user}`,
});
