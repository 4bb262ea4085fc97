/** XML namespaces, by their name in the code. */
export const ns = {
  component: 'jabber:component:accept',
  stanzas: 'urn:ietf:params:xml:ns:xmpp-stanzas',
  discoInfo: 'http://jabber.org/protocol/disco#info',
  discoItems: 'http://jabber.org/protocol/disco#items',
  dataForms: 'jabber:x:data',
  ping: 'urn:xmpp:ping',
  pubsub: 'http://jabber.org/protocol/pubsub',
  pubsubOwner: 'http://jabber.org/protocol/pubsub#owner',
  pubsubErrors: 'http://jabber.org/protocol/pubsub#errors',
  nodeConfig: 'http://jabber.org/protocol/pubsub#node_config',
  publishOptions: 'http://jabber.org/protocol/pubsub#publish-options',
  push: 'urn:xmpp:push:0',
  pushSummary: 'urn:xmpp:push:summary',
  version: 'jabber:iq:version',
} as const;
