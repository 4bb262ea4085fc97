import { callKeyOf, priorityOf, ttlSecondsOf } from '../../push/notification.ts';
import type { Notification } from '../../push/notification.ts';

/** The device that FCM is to reach: a registration token or, since 2026, the Firebase installation ID that replaces it. */
type FcmTarget = { readonly token: string; readonly fid?: never } | { readonly token?: never; readonly fid: string };

/** The `message` of FCM HTTP v1 `projects.messages.send`. */
export type FcmMessage = FcmTarget & {
  readonly data?: Readonly<Record<string, string>>;
  readonly android?: {
    readonly notification?: Readonly<Partial<Record<'title' | 'body' | 'click_action' | 'tag' | 'sound', string>>>;
    readonly priority?: 'NORMAL' | 'HIGH';
    /** Seconds, as `60s`. */
    readonly ttl?: string;
    readonly collapse_key?: string;
  };
};

/** FCM keeps a message for at most 28 days. */
const maxTtlSeconds = 2_419_200;

const priorities = { normal: 'NORMAL', high: 'HIGH' } as const;

/**
 * The FCM message for a notification. FCM has no `badge` in an alert, and no `topic` or `mutable_content` in a request.
 * Nothing empty is sent: a message with a `notification`, even an empty one, is not silent.
 */
export const toFcmMessage = (notification: Notification): FcmMessage => {
  const { device_id, alert, data } = notification;
  const { badge: _badge, ...shown } = alert ?? {};
  const android = { ...(alert && { notification: shown }), ...delivery(notification) };
  return {
    ...toTarget(device_id),
    ...(data && Object.keys(data).length > 0 && { data: toFcmData(data) }),
    ...(Object.keys(android).length > 0 && { android }),
  };
};

// Firebase's own form of an installation ID; registration tokens are several times as long and have a colon.
const toTarget = (deviceId: string): FcmTarget =>
  /^[cdef][\w-]{21}$/.test(deviceId) ? { fid: deviceId } : { token: deviceId };

const delivery = (notification: Notification): Omit<NonNullable<FcmMessage['android']>, 'notification'> => {
  const priority = priorityOf(notification);
  const ttl = fcmTtlSeconds(notification);
  const collapse_key = callKeyOf(notification);
  return {
    ...(priority && { priority: priorities[priority] }),
    ...(ttl !== undefined && { ttl: `${ttl}s` }),
    ...(collapse_key !== undefined && { collapse_key }),
  };
};

/** How long FCM is to try, in seconds and within its limits; `undefined` leaves it to FCM. */
export const fcmTtlSeconds = (notification: Notification): number | undefined => {
  const ttl = ttlSecondsOf(notification);
  return ttl === undefined ? undefined : Math.min(Math.max(ttl, 0), maxTtlSeconds);
};

/** FCM accepts strings only. A string stays as it is, null becomes the empty string, anything else its JSON text. */
export const toFcmData = (data: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, toText(value)]));

const toText = (value: unknown): string => {
  if (typeof value === 'string') return value;
  return value === null ? '' : JSON.stringify(value);
};
