import type { Mode, RequestV3 } from '@pushmesh/contracts';

/** A request of any version of the API, in the terms of v3: what is to be pushed, and to whom. */
export type Notification = Omit<RequestV3, 'mode' | 'tags'> & {
  /** The FCM registration token, APNs device token, or JSON text of a Web Push subscription. */
  readonly device_id: string;
  readonly mode: Mode;
  /** Only a provider that has all of them may take the push. */
  readonly tags: readonly string[];
};

/**
 * A call that must ring (XEP-0353 Jingle Message Initiation): data of type `jmi` without an alert, as in MongoosePush
 * 2.3.
 */
export const isCall = ({ alert, data }: Notification): boolean => !alert && data?.['type'] === 'jmi';

/** A call that has rung for half a minute is over (MongoosePush 2.3 `jmi_ttl`). */
const callTtlSeconds = 30;

/** How long to try, in seconds, according to the request or because it is a call; `undefined` if neither says. */
export const ttlSecondsOf = (notification: Notification): number | undefined =>
  notification.time_to_live ?? (isCall(notification) ? callTtlSeconds : undefined);

/** A call is urgent unless the request says otherwise; `undefined` if neither says. */
export const priorityOf = (notification: Notification): Notification['priority'] =>
  notification.priority ?? (isCall(notification) ? 'high' : undefined);

/** The key under which a message about a call replaces the previous one about the same call: its JMI session. */
export const callKeyOf = (notification: Notification): string | undefined => {
  const session = notification.data?.['jmi-sid'];
  return isCall(notification) && typeof session === 'string' && session !== '' ? `jmi-${session}` : undefined;
};
