import type { Mode, PushService, RequestV3 } from '@pushmesh/contracts';
import type { ApnsMessage } from '../../domain/apns-message.ts';
import type { FcmMessage } from '../../domain/fcm-message.ts';
import type { WebPushMessage } from '../../domain/web-push-message.ts';

/** One notification as a phone got it. Fields that the push did not have are absent. */
export type Received = {
  /** Counts all notifications of this process; the id of the event in the event stream, too. */
  readonly id: number;
  readonly device_id: string;
  readonly service: PushService;
  readonly mode: Mode;
  readonly title?: string;
  readonly body?: string;
  readonly badge?: number;
  readonly click_action?: string;
  /** APNs: the collapse id. */
  readonly tag?: string;
  readonly sound?: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly priority?: RequestV3['priority'];
  /** APNs only, as sent: the default topic where the request named none. */
  readonly topic?: string;
  /** APNs only: `alert`, `background` or `voip`. */
  readonly push_type?: string;
  /** Milliseconds since 1970. */
  readonly received_at: number;
  /** What went to the push service: the FCM message, or headers and payload for APNs and, before encryption, Web Push. */
  readonly provider: FcmMessage | Pick<ApnsMessage, 'headers' | 'payload'> | WebPushMessage;
};

type PhoneSummary = {
  readonly device_id: string;
  readonly service: PushService;
  /** How many notifications are kept. */
  readonly notifications: number;
  readonly last_received_at: number;
};

type Bounds = { readonly maxPhones: number; readonly maxNotifications: number };

/**
 * The phones and their last notifications, within bounds: the phone that got nothing for longest goes first.
 *
 * @param onEvicted called with how many notifications were forgotten
 */
export const createPhones = ({ maxPhones, maxNotifications }: Bounds, onEvicted: (count: number) => void) => {
  const phones = new Map<string, Received[]>();

  return {
    keep(received: Received): void {
      const kept = phones.get(received.device_id) ?? [];
      kept.push(received);
      if (kept.length > maxNotifications) onEvicted(kept.splice(0, kept.length - maxNotifications).length);
      phones.delete(received.device_id);
      phones.set(received.device_id, kept);
      const [eldest] = phones.keys();
      if (phones.size <= maxPhones || eldest === undefined) return;
      onEvicted(phones.get(eldest)?.length ?? 0);
      phones.delete(eldest);
    },

    /** What the phone got, eldest first. */
    of: (deviceId: string): readonly Received[] => phones.get(deviceId) ?? [],

    /** All phones, the one that got something last comes first. */
    list: (): PhoneSummary[] =>
      [...phones].toReversed().flatMap(([device_id, kept]) => {
        const last = kept.at(-1);
        if (!last) return [];
        return { device_id, service: last.service, notifications: kept.length, last_received_at: last.received_at };
      }),
  };
};
