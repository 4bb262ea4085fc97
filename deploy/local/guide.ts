// The stanzas of MongooseIM's "Push Notifications" guide, as a client sends them.
import { xml } from '@xmpp/client';
import type { Element } from 'ltx';

const pubsub = 'http://jabber.org/protocol/pubsub';
const push = 'urn:xmpp:push:0';

/** `<create node type='push'/>`: the client creates a push node with restricted access at the pubsub component. */
export const createNode = (node: string): Element =>
  xml(
    'pubsub',
    { xmlns: pubsub },
    xml('create', { node, type: 'push' }),
    xml('configure', {}, nodeConfig({ 'pubsub#access_model': 'whitelist', 'pubsub#publish_model': 'publishers' })),
  );

/**
 * `<affiliations/>`: the owner grants somebody access to the node, such as `publish-only` to the owner's own server.
 */
export const setAffiliation = (node: string, jid: string, affiliation: string): Element =>
  xml('pubsub', { xmlns: `${pubsub}#owner` }, xml('affiliations', { node }, xml('affiliation', { jid, affiliation })));

/** `<delete node/>`: the owner deletes the push node. */
export const deleteNode = (node: string): Element =>
  xml('pubsub', { xmlns: `${pubsub}#owner` }, xml('delete', { node }));

/** `<enable/>` with the publish-options form. */
export const enable = (jid: string, node: string, options: Readonly<Record<string, string>>): Element =>
  xml('enable', { xmlns: push, jid, node }, publishOptions(options));

/** `<disable/>` of one node, or without `node` of all nodes of that service. */
export const disable = (jid: string, node?: string): Element =>
  xml('disable', { xmlns: push, jid, ...(node !== undefined && { node }) });

export const publishOptions = (options: Readonly<Record<string, string>>): Element =>
  form({ FORM_TYPE: `${pubsub}#publish-options`, ...options });

export const nodeConfig = (fields: Readonly<Record<string, string>>): Element =>
  form({ FORM_TYPE: `${pubsub}#node_config`, ...fields });

const form = (fields: Readonly<Record<string, string>>): Element =>
  xml(
    'x',
    { xmlns: 'jabber:x:data', type: 'submit' },
    ...Object.entries(fields).map(([name, value]) => xml('field', { var: name }, xml('value', {}, value))),
  );
