import { createHash } from 'node:crypto';
import { isCall, priorityOf } from '../../push/notification.ts';
import type { Notification } from '../../push/notification.ts';

/** A request to APNs, "Sending notification requests to APNs": `:path`, the `apns-` headers and the JSON payload. */
export type ApnsMessage = {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: Readonly<Record<string, unknown>>;
};

type ApnsMapping = { readonly ok: true; readonly message: ApnsMessage } | { readonly ok: false; readonly why: 'topic' };

type ApnsDefaults = {
  /** The topic of requests that name none; without one, APNs refuses them. */
  readonly defaultTopic: string | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
};

type PushType = 'alert' | 'background' | 'voip';

/** The largest payload that APNs accepts, in bytes. */
export const apnsPayloadLimits: Readonly<Record<PushType, number>> = { alert: 4096, background: 4096, voip: 5120 };

/** The APNs request for a notification; `ok: false` if its topic cannot be one. */
export const toApnsMessage = (notification: Notification, { defaultTopic, now }: ApnsDefaults): ApnsMapping => {
  const type = pushType(notification);
  const topic = notification.topic || (type === 'voip' ? voipTopic(defaultTopic) : defaultTopic);
  if (topic !== undefined && !isTopic(topic, type)) return { ok: false, why: 'topic' };
  const headers = {
    'apns-push-type': type,
    ...(topic !== undefined && { 'apns-topic': topic }),
    ...priority(type, notification),
    ...expiration(type, notification, now),
    ...collapseId(notification),
  };
  const path = `/3/device/${encodeURIComponent(notification.device_id)}`;
  return { ok: true, message: { path, headers, payload: payloads[type](notification) } };
};

const pushType = (notification: Notification): PushType => {
  if (notification.alert) return 'alert';
  return isCall(notification) ? 'voip' : 'background';
};

// PushKit: the topic of a call is the bundle id with `.voip` appended.
const voipTopic = (topic: string | undefined) => (topic && !topic.endsWith('.voip') ? `${topic}.voip` : topic);

/** A topic travels in a header, so HTTP/2 must be able to carry it; bundle ids have at most 155 characters. */
const isTopic = (topic: string, type: PushType): boolean =>
  /^[!-~]{1,255}$/.test(topic) && (type !== 'voip' || topic.endsWith('.voip'));

// "Specifying priority 10 for background is an error"; for an alert without a priority, APNs decides (10).
const priority = (type: PushType, notification: Notification): Record<string, string> => {
  const asked = priorityOf(notification);
  if (type === 'background' || asked === 'normal') return { 'apns-priority': '5' };
  return asked === 'high' ? { 'apns-priority': '10' } : {};
};

// Unix seconds; 0 means one attempt and no storing, which is also what MongoosePush 2.3 asks for with calls.
const expiration = (type: PushType, { time_to_live: ttl }: Notification, now: number): Record<string, string> => {
  if (type === 'voip' || (ttl !== undefined && ttl <= 0)) return { 'apns-expiration': '0' };
  return ttl === undefined ? {} : { 'apns-expiration': String(Math.floor(now / 1000) + ttl) };
};

/**
 * A tag does on Android what a collapse id does here: a new notification replaces the old one. A tag that does not fit
 * is sent as its digest.
 */
const collapseId = ({ alert }: Notification): Record<string, string> => {
  if (!alert?.tag) return {};
  const fits = /^[!-~]{1,64}$/.test(alert.tag);
  return { 'apns-collapse-id': fits ? alert.tag : createHash('sha256').update(alert.tag).digest('base64url') };
};

const mutable = ({ mutable_content }: Notification) => mutable_content && { 'mutable-content': 1 };

const payloads: Readonly<Record<PushType, (notification: Notification) => Record<string, unknown>>> = {
  alert: (notification) => {
    const { title, body, badge, click_action, sound } = notification.alert ?? {};
    const aps = {
      alert: { title, body },
      ...(badge !== undefined && { badge }),
      ...(click_action !== undefined && { category: click_action }),
      ...(sound !== undefined && { sound }),
      ...mutable(notification),
    };
    return { ...notification.data, aps };
  },
  background: (notification) => ({ ...notification.data, aps: { 'content-available': 1, ...mutable(notification) } }),
  // PushKit hands all of the payload to the app. The request may not set `aps`, which APNs interprets.
  voip: ({ data: { aps: _aps, ...data } = {} }) => data,
};
