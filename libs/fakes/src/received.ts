import { hash } from 'node:crypto';
import type { Mode } from '@pushmesh/contracts';
import type { ApnsDelivery } from './apns/fake-apns.ts';
import type { FakeService } from './fault.ts';
import type { FcmDelivery } from './fcm/fake-fcm.ts';
import { fieldsOf, parseJson } from './parse-json.ts';
import type { WebPushDelivery } from './web-push/delivery.ts';

type Texts = Partial<
  Record<'title' | 'body' | 'click_action' | 'tag' | 'sound' | 'topic' | 'push_type', string> & {
    readonly priority: 'normal' | 'high';
  }
>;

/** A notification as it arrived. Fields that the push did not have are absent. */
export type Received = Texts & {
  /** The number of the notification in this process, and the ID of its event in the event stream. */
  readonly id: number;
  readonly device_id: string;
  readonly service: FakeService;
  /** Absent if the service has none. */
  readonly mode?: Mode;
  readonly badge?: number;
  readonly data?: Readonly<Record<string, unknown>>;
  /** Milliseconds since 1970. */
  readonly received_at: number;
  /** Milliseconds that FCM holds it back, after too many collapsible messages. */
  readonly delay_ms?: number;
  /** The FCM message, or the headers and payload of APNs or, decrypted, of Web Push. */
  readonly provider: object;
};

/** A notification before it has an ID. */
export type Decoded = Omit<Received, 'id'>;

type Fields = Readonly<Record<string, unknown>>;

const numberOf = (name: 'badge', value: unknown) => (typeof value === 'number' ? { [name]: value } : {});
const texts = (fields: { readonly [name in keyof Texts]: unknown }): Texts =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => typeof value === 'string'));

const byApnsPriority: Fields = { '5': 'normal', '10': 'high' };
const byFcmPriority: Fields = { NORMAL: 'normal', HIGH: 'high' };

export const fromApns = ({ token, headers, payload, at }: ApnsDelivery, mode: Mode): Decoded => {
  const { aps: _aps, ...data } = payload;
  const aps = fieldsOf(payload['aps']);
  const alert = aps['alert'];
  const { title, body } = typeof alert === 'string' ? { body: alert } : fieldsOf(alert);
  return {
    device_id: token,
    service: 'apns',
    mode,
    ...texts({
      title,
      body,
      click_action: aps['category'],
      tag: headers['apns-collapse-id'],
      sound: aps['sound'],
      priority: byApnsPriority[headers['apns-priority'] ?? ''],
      topic: headers['apns-topic'],
      push_type: headers['apns-push-type'],
    }),
    ...numberOf('badge', aps['badge']),
    ...(Object.keys(data).length > 0 && { data }),
    received_at: at,
    provider: { headers: only(headers, /^apns-/), payload },
  };
};

export const fromFcm = ({ target, message, at, delayMs }: FcmDelivery, mode: Mode | undefined): Decoded => {
  const { title, body, click_action, tag, sound } = { ...message.notification, ...message.android?.notification };
  return {
    device_id: target,
    service: 'fcm',
    ...(mode && { mode }),
    ...texts({ title, body, click_action, tag, sound, priority: byFcmPriority[message.android?.priority ?? ''] }),
    // Only an iPhone would show it: Android has no badge.
    ...numberOf('badge', fieldsOf(message.apns?.payload?.['aps'])['badge']),
    ...(message.data && { data: message.data }),
    received_at: at,
    ...(delayMs !== undefined && { delay_ms: delayMs }),
    provider: message,
  };
};

export const fromWebPush = ({ device, text, ttl, urgency, topic, at }: WebPushDelivery): Decoded => {
  const { alert, data } = fieldsOf(parseJson(text));
  const { title, body, click_action, tag, sound, badge } = fieldsOf(alert);
  return {
    device_id: device,
    service: 'webpush',
    ...texts({ title, body, click_action, tag, sound, priority: urgency }),
    ...numberOf('badge', badge),
    ...(data !== undefined && { data: fieldsOf(data) }),
    received_at: at,
    provider: { headers: { ttl: String(ttl), ...(urgency && { urgency }), ...(topic && { topic }) }, payload: text },
  };
};

const only = (headers: Readonly<Record<string, string>>, names: RegExp) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => names.test(name)));

/**
 * Equal for pushes that are the same to the user of the device. After a lost answer, the sender repeats a push with another
 * `apns-id` and another expiration.
 */
export const pushKeyOf = ({ provider, device_id }: Decoded): string => {
  const { headers, ...rest } = provider as { readonly headers?: Fields };
  const { 'apns-id': _id, 'apns-expiration': _expiration, ...same } = headers ?? {};
  return hash('sha256', device_id + JSON.stringify([same, rest]), 'base64url');
};
