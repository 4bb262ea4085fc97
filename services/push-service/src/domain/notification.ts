import type { Mode, RequestV3 } from '@pushmesh/contracts';

/** A request of any version of the API, in the words of v3: what is to be pushed, and to whom. */
export type Notification = Omit<RequestV3, 'mode' | 'tags'> & {
  /** The FCM registration token, APNs device token, or JSON text of a Web Push subscription. */
  readonly device_id: string;
  readonly mode: Mode;
  /** Only a provider that has all of them may take the push. */
  readonly tags: readonly string[];
};

/** A call that must ring (XEP-0353 Jingle Message Initiation): data of type `jmi` without an alert, as MongoosePush 2.3 knows it. */
export const isCall = ({ alert, data }: Notification): boolean => !alert && data?.['type'] === 'jmi';
