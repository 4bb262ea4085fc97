// XEP-0060 Publish-Subscribe, version 1.30.0: the parts that push nodes use
import { childForm, childFormOfType } from '../form.ts';
import type { Form } from '../form.ts';
import { childElements } from '../iq.ts';
import { ns } from '../namespaces.ts';
import type { Element } from '../xml.ts';
import { readSummary } from './push.ts';
import type { SummaryForm } from './push.ts';

/** `<create node type/>` and the form of the `<configure/>` next to it, if any (XEP-0060 §8.1). */
export type Create = {
  readonly node: string | undefined;
  readonly type: string | undefined;
  readonly configure: Form | undefined;
};

export const readCreate = (pubsub: Element): Create | undefined => {
  const create = pubsub.getChild('create', ns.pubsub);
  if (!create) return undefined;
  const configure = pubsub.getChild('configure', ns.pubsub);
  return {
    node: (create.attrs['node'] as string | undefined) || undefined,
    type: create.attrs['type'] as string | undefined,
    configure: configure && childForm(configure),
  };
};

/** The form inside an owner's `<configure/>` (XEP-0060 §8.2). */
export const readConfigure = (configure: Element): Form | undefined => childForm(configure);

/** Why a `<publish/>` does not hold exactly one item with exactly one payload (XEP-0060 §7.1.3). */
export type PayloadFault = 'item-required' | 'item-invalid' | 'payload-required' | 'payload-invalid';

/** `<publish node/>` with its one notification, and the publish-options as a flat record. */
export type Publish = {
  readonly node: string | undefined;
  /** `otherBytes`: octets of the unescaped notification, without the fields for sender and body of the message. */
  readonly payload: { readonly summary: SummaryForm; readonly otherBytes: number } | PayloadFault;
  readonly options: Readonly<Record<string, string>>;
};

export const readPublish = (pubsub: Element): Publish | undefined => {
  const publish = pubsub.getChild('publish', ns.pubsub);
  if (!publish) return undefined;
  return {
    node: (publish.attrs['node'] as string | undefined) || undefined,
    payload: readPayload(publish),
    options: readOptions(pubsub),
  };
};

const readPayload = (publish: Element): Publish['payload'] => {
  const [item, ...others] = childElements(publish);
  if (!item) return 'item-required';
  if (others.length > 0 || !item.is('item', ns.pubsub)) return 'item-invalid';
  const [payload, ...more] = childElements(item);
  if (!payload) return 'payload-required';
  if (more.length > 0 || !payload.is('notification', ns.push)) return 'payload-invalid';
  return { summary: readSummary(payload), otherBytes: contentBytes(payload) };
};

/** Sender and body of a message are written by others: their size must never get a publish refused. */
const isSenderOrBody = ({ name, attrs }: Element): boolean =>
  name === 'field' && (attrs['var'] === 'last-message-sender' || attrs['var'] === 'last-message-body');

/** Octets of the names, attributes and texts of an element, unescaped: escaping can turn one octet into six. */
const contentBytes = (element: Element): number => {
  if (isSenderOrBody(element)) return 0;
  let bytes = element.name.length;
  for (const name in element.attrs) bytes += name.length + Buffer.byteLength(String(element.attrs[name]));
  for (const child of element.children)
    bytes += typeof child === 'string' ? Buffer.byteLength(child) : contentBytes(child);
  return bytes;
};

/**
 * The client's publish-options, as its server passes them on. Prosody passes the form on unchanged, so a form that the
 * client sent with another type or without FORM_TYPE is accepted too. The values of a multi-value field are joined by
 * newlines.
 */
const readOptions = (pubsub: Element): Readonly<Record<string, string>> => {
  const element = pubsub.getChild('publish-options', ns.pubsub);
  const form = element && childFormOfType(element, ns.publishOptions);
  if (!form) return {};
  return Object.fromEntries([...form.fields].map(([name, values]) => [name, values.join('\n')]));
};
