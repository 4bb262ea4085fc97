// The one import of another provider: the `apns` part of an FCM message is an APNs request by FCM's own definition.
// oxlint-disable-next-line no-restricted-imports
import { toApnsMessage } from '../apns/message.ts';
import { fcmTtlSeconds } from './message.ts';
import { priorityOf } from '../../push/notification.ts';
import type { Notification } from '../../push/notification.ts';

// FCM HTTP v1 "ApnsConfig" and "WebpushConfig". Nothing in a registration token says which platform it belongs to, so a
// message carries a part for each platform that the app exists on, and FCM uses the one for the device. Without its part,
// an iOS or web device shows nothing of a message (MongoosePush issue 209). `data` goes to all of them.

/** The platforms besides Android for which a message can carry a part. */
export const fcmPlatforms = ['apns', 'webpush'] as const;
export type FcmPlatform = (typeof fcmPlatforms)[number];

type FcmPlatformParts = {
  readonly apns?: {
    readonly headers: Readonly<Record<string, string>>;
    readonly payload: { readonly aps: unknown };
  };
  readonly webpush?: {
    readonly headers?: Readonly<Record<string, string>>;
    readonly notification?: Readonly<Record<string, string>>;
    readonly fcm_options?: { readonly link: string };
  };
};

/** The parts of the message for these platforms; `now` in milliseconds since 1970. */
export const toFcmPlatformParts = (
  notification: Notification,
  platforms: readonly FcmPlatform[],
  now: number,
): FcmPlatformParts => ({
  ...(platforms.includes('apns') && toApnsPart(notification, now)),
  ...(platforms.includes('webpush') && toWebpushPart(notification)),
});

// What we would send to APNs ourselves, except that FCM sets the topic, and that a call arrives as a background push: FCM
// cannot reach PushKit.
const toApnsPart = (notification: Notification, now: number): Pick<FcmPlatformParts, 'apns'> => {
  const { data: _data, topic: _topic, time_to_live: _ttl, ...rest } = notification;
  const ttl = fcmTtlSeconds(notification);
  const asked = { ...rest, ...(ttl !== undefined && { time_to_live: ttl }) };
  const mapped = toApnsMessage(asked, { defaultTopic: undefined, now });
  if (!mapped.ok) return {};
  const { headers, payload } = mapped.message;
  return { apns: { headers, payload: { aps: payload['aps'] } } };
};

const toWebpushPart = (notification: Notification): Pick<FcmPlatformParts, 'webpush'> => {
  const { alert } = notification;
  const priority = priorityOf(notification);
  const ttl = fcmTtlSeconds(notification);
  const headers = { ...(ttl !== undefined && { TTL: String(ttl) }), ...(priority && { Urgency: priority }) };
  const link = alert?.click_action;
  const webpush = {
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(alert && { notification: { title: alert.title, body: alert.body, ...(alert.tag && { tag: alert.tag }) } }),
    // "WebpushFcmOptions.link" must be https; on Android, click_action names an intent.
    ...(link !== undefined && isHttps(link) && { fcm_options: { link } }),
  };
  return Object.keys(webpush).length > 0 ? { webpush } : {};
};

const isHttps = (link: string): boolean => link.startsWith('https://') && URL.canParse(link);
