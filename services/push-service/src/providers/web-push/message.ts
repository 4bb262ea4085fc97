import { createHash } from 'node:crypto';
import { callKeyOf, priorityOf, ttlSecondsOf } from '../../push/notification.ts';
import type { Notification } from '../../push/notification.ts';

/** A push message before encryption (RFC 8030 §5): header fields, and JSON text for the app. */
export type WebPushMessage = { readonly headers: Readonly<Record<string, string>>; readonly payload: string };

/** How long push services commonly keep a message at most: 28 days. */
const maxTtlSeconds = 2_419_200;

/**
 * The message of a notification. The app gets `alert` and `data` as the request has them; what to show is its own
 * matter. `topic` and `mutable_content` are of APNs.
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
 * A message replaces the waiting one of the same topic: 32 characters of base64url at most (RFC 8030 §5.4). The push service
 * sees it, and a tag is often the JID of who wrote: hashed with the subscription, whose `auth` the push service does not
 * know, it cannot be guessed.
 */
const toTopic = (tag: string, deviceId: string): string =>
  /^[\w-]{1,32}$/.test(tag)
    ? tag
    : createHash('sha256')
        .update(JSON.stringify([deviceId, tag]))
        .digest('base64url')
        .slice(0, 32);
