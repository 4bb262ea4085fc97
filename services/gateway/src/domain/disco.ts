// XEP-0030 Service Discovery, version 2.5.0; XEP-0357 §4 (identity and feature of a push service)
import { ns, xml } from '@pushmesh/xmpp';
import type { Element } from '@pushmesh/xmpp';
import type { Role } from '../config.ts';

const pubsubFeatures = [
  'access-whitelist',
  'config-node',
  'create-and-configure',
  'create-nodes',
  'delete-nodes',
  'modify-affiliations',
  'publish',
  'publish-only-affiliation',
  'publish-options',
  'retrieve-affiliations',
].map((feature) => `${ns.pubsub}#${feature}`);

const featuresOf: Readonly<Record<Role, readonly string[]>> = {
  'app-server': [ns.pubsub, ...pubsubFeatures, ns.push],
  'xmpp-server': [ns.push],
};

/** What the component is: an app server by identity, with the features of its roles. */
export const discoInfo = (roles: readonly Role[]): Element => {
  const features = new Set([ns.discoInfo, ns.discoItems, ns.ping, ...roles.flatMap((role) => featuresOf[role])]);
  return xml(
    'query',
    { xmlns: ns.discoInfo },
    xml('identity', { category: 'pubsub', type: 'push', name: 'pushmesh' }),
    ...(roles.includes('app-server')
      ? [xml('identity', { category: 'pubsub', type: 'service', name: 'pushmesh' })]
      : []),
    ...[...features].toSorted().map((feature) => xml('feature', { var: feature })),
  );
};

/** One push node, for its owner. */
export const discoInfoOfNode = (node: string): Element =>
  xml(
    'query',
    { xmlns: ns.discoInfo, node },
    xml('identity', { category: 'pubsub', type: 'push' }),
    xml('feature', { var: ns.pubsub }),
  );

/** The requester's own push nodes; nobody sees those of other users. */
export const discoItems = (host: string, nodes: readonly string[]): Element =>
  xml('query', { xmlns: ns.discoItems }, ...nodes.map((node) => xml('item', { jid: host, node })));
