// The stanzas of MongooseIM’s “Push Notifications” guide, as a client sends them.
import { xml } from '@xmpp/client';
import type { Element } from 'ltx';

const pubsub = 'http://jabber.org/protocol/pubsub';
const push = 'urn:xmpp:push:0';

/** `<create node type='push'/>`: the client makes its push node at the pubsub component. */
export const createNode = (node: string): Element =>
  xml('pubsub', { xmlns: pubsub }, xml('create', { node, type: 'push' }));

/** `<delete node/>`: the owner takes the push node away. */
export const deleteNode = (node: string): Element =>
  xml('pubsub', { xmlns: `${pubsub}#owner` }, xml('delete', { node }));

/** `<enable/>` with the publish-options form. */
export const enable = (jid: string, node: string, options: Readonly<Record<string, string>>): Element =>
  xml('enable', { xmlns: push, jid, node }, publishOptions(options));

/** `<disable/>` of one node, or without `node` of all nodes of that service. */
export const disable = (jid: string, node?: string): Element =>
  xml('disable', { xmlns: push, jid, ...(node !== undefined && { node }) });

export const publishOptions = (options: Readonly<Record<string, string>>): Element =>
  xml(
    'x',
    { xmlns: 'jabber:x:data', type: 'submit' },
    ...Object.entries({ FORM_TYPE: `${pubsub}#publish-options`, ...options }).map(([name, value]) =>
      xml('field', { var: name }, xml('value', {}, value)),
    ),
  );
