import { createHash } from 'node:crypto';
import { callKeyOf, priorityOf, ttlSecondsOf } from '../../push/notification.ts';
import type { Notification } from '../../push/notification.ts';

/** A push message before encryption (RFC 8030 §5): header fields, and JSON text for the app. */
export type WebPushMessage = { readonly headers: Readonly<Record<string, string>>; readonly payload: string };

/** Push services commonly keep a message for at most 28 days. */
const maxTtlSeconds = 2_419_200;

/**
 * The message for a notification. The app gets `alert` and `data` as they are in the request, and decides what to show.
 * `topic` and `mutable_content` belong to APNs.
 */
export const toWebPushMessage = (notification: Notification): WebPushMessage => {
  const { alert, data } = notification;
  const ttl = ttlSecondsOf(notification) ?? maxTtlSeconds;
  const urgency = priorityOf(notification);
  const replaces = alert?.tag || callKeyOf(notification);
  return {
    headers: {
      ttl: String(Math.min(Math.max(ttl, 0), maxTtlSeconds)),
      ...(urgency && { urgency }),
      ...(replaces && { topic: toTopic(replaces, notification.device_id) }),
    },
    payload: JSON.stringify({ ...(alert && { alert }), ...(data && { data }) }),
  };
};

/**
 * A message replaces a waiting one with the same topic, which has at most 32 characters of base64url (RFC 8030 §5.4). The push
 * service sees the topic, and a tag is often the sender's JID. Hashed together with the subscription, whose `auth` the push
 * service does not know, it cannot be guessed.
 */
const toTopic = (tag: string, deviceId: string): string =>
  /^[\w-]{1,32}$/.test(tag)
    ? tag
    : createHash('sha256')
        .update(JSON.stringify([deviceId, tag]))
        .digest('base64url')
        .slice(0, 32);
