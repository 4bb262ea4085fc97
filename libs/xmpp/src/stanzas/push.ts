// XEP-0357 Push Notifications, version 0.4.1
import { childForm, childFormOfType } from '../form.ts';
import { bareJid, parseJid } from '../jid.ts';
import { ns } from '../namespaces.ts';
import type { Element } from '../xml.ts';

/** Where an element is malformed, and why. It becomes the text of a stanza error. */
export type Malformed = { readonly malformed: string };

export type Enable = {
  readonly service: string;
  readonly node: string;
  readonly options: Readonly<Record<string, string>>;
};
export type Disable = { readonly service: string; readonly node?: string };

/** `<enable jid node/>` with an optional publish-options form (XEP-0357 §5; as strict as MongooseIM 6.8). */
export const readEnable = (element: Element): Enable | Malformed => {
  const service = readService(element);
  if (service === undefined) return { malformed: 'enable: jid must be the JID of a push service' };
  const node = element.attrs['node'] as string | undefined;
  if (!node) return { malformed: 'enable: node is missing or empty' };
  const options = readEnableForm(element);
  return 'malformed' in options ? options : { service, node, options: options.options };
};

const readEnableForm = (element: Element): { readonly options: Readonly<Record<string, string>> } | Malformed => {
  const form = childForm(element);
  if (!form) return { options: {} };
  if (form.type !== 'submit') return { malformed: 'enable/x: type must be submit' };
  if (form.formType !== ns.publishOptions) return { malformed: `enable/x: FORM_TYPE must be ${ns.publishOptions}` };
  if ([...form.fields.values()].some((values) => values.length !== 1))
    return { malformed: 'enable/x: every field must have exactly one value' };
  return { options: Object.fromEntries([...form.fields].map(([name, [value]]) => [name, value ?? ''])) };
};

/** `<disable jid [node]/>`: one node, or without `node` all nodes of that service (XEP-0357 §6). */
export const readDisable = (element: Element): Disable | Malformed => {
  const service = readService(element);
  if (service === undefined) return { malformed: 'disable: jid must be the JID of a push service' };
  const node = element.attrs['node'] as string | undefined;
  if (node === '') return { malformed: 'disable: node is empty; leave it out to disable all nodes' };
  return { service, ...(node !== undefined && { node }) };
};

const readService = (element: Element): string | undefined => {
  const jid = parseJid((element.attrs['jid'] as string | undefined) ?? '');
  return jid && bareJid(jid);
};

/** The four fields of `urn:xmpp:push:summary`, and any others; a field without a value counts as absent. */
export type SummaryForm = {
  readonly messageCount?: number;
  readonly lastMessageSender?: string;
  readonly lastMessageBody?: string;
  readonly pendingSubscriptionCount?: number;
  readonly otherFields?: Readonly<Record<string, string>>;
};

const summaryFields: ReadonlySet<string> = new Set([
  'message-count',
  'last-message-sender',
  'last-message-body',
  'pending-subscription-count',
]);

/**
 * The summary inside `<notification/>`. Servers send the form with type `submit` (ejabberd, MongooseIM), `form`
 * (Prosody, Openfire) or no type (Tigase), leave values out, or send no form at all: all of this is accepted.
 */
export const readSummary = (notification: Element): SummaryForm => {
  const form = childFormOfType(notification, ns.pushSummary);
  if (!form) return {};
  const text = (name: string) => form.fields.get(name)?.join('\n') || undefined;
  const count = (name: string) => {
    const value = text(name);
    return value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) : undefined;
  };
  const others = [...form.fields.keys()].filter((name) => !summaryFields.has(name) && text(name) !== undefined);
  return withoutUndefined({
    messageCount: count('message-count'),
    lastMessageSender: text('last-message-sender'),
    lastMessageBody: text('last-message-body'),
    pendingSubscriptionCount: count('pending-subscription-count'),
    otherFields: others.length > 0 ? Object.fromEntries(others.map((name) => [name, text(name) ?? ''])) : undefined,
  });
};

const withoutUndefined = <T extends object>(record: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as never;
