// The stanzas that deploy/local/guide.ts does not have, and what comes back, for short expectations.
import { xml } from '@xmpp/client';
import type { Element } from 'ltx';
import { nodeConfig, publishOptions } from '../../deploy/local/guide.ts';
import { dedupeKey } from '@pushmesh/acceptance';

export const pubsub = 'http://jabber.org/protocol/pubsub';
/** Name of the push component. */
export const push = 'push.localhost';

/** The answer of an IQ: `result`, or the type of the error, its condition and the pubsub condition beside it. */
export const answerOf = (reply: Element): string => {
  if (reply.attrs['type'] === 'result') return 'result';
  const error = reply.getChild('error');
  const conditions = (error?.children ?? [])
    .filter((child): child is Element => typeof child !== 'string' && child.name !== 'text')
    .map(({ name, attrs }) => (attrs['feature'] ? `${name} ${attrs['feature']}` : name));
  return [error?.attrs['type'], ...conditions].join(' ');
};

/** The id of the delivery that an accepted publish becomes. */
export const deliveryIdOf = ({ attrs }: Element, node: string, text: string, options: Record<string, string>): string =>
  dedupeKey(push, String(attrs['to']), String(attrs['id']), node, [{ lastMessageBody: text }, options]);

export const notification = (body = 'hello'): Element =>
  xml(
    'notification',
    { xmlns: 'urn:xmpp:push:0' },
    xml(
      'x',
      { xmlns: 'jabber:x:data', type: 'submit' },
      xml('field', { var: 'FORM_TYPE' }, xml('value', {}, 'urn:xmpp:push:summary')),
      xml('field', { var: 'last-message-body' }, xml('value', {}, body)),
    ),
  );

export const item = (...payload: Element[]): Element => xml('item', {}, ...payload);

export const publish = (node: string | undefined, items: Element[], options?: Record<string, string>): Element =>
  xml(
    'pubsub',
    { xmlns: pubsub },
    xml('publish', { node }, ...items),
    ...(options ? [xml('publish-options', {}, publishOptions(options))] : []),
  );

export const owner = (...children: Element[]): Element => xml('pubsub', { xmlns: `${pubsub}#owner` }, ...children);

export const configure = (node: string, fields: Record<string, string>): Element =>
  owner(xml('configure', { node }, nodeConfig(fields)));
