import type { Received } from './received.ts';

export type PhoneSummary = {
  readonly device_id: string;
  /** Of the notifications that are kept. */
  readonly services: readonly Received['service'][];
  /** How many notifications are kept. */
  readonly notifications: number;
  readonly last_received_at: number;
};

type Bounds = {
  readonly maxPhones: number;
  /** For each phone. */
  readonly maxNotifications: number;
  /** Of the JSON of all notifications; 64 MiB when absent. */
  readonly maxBytes?: number;
};

/** As JSON, since a heap holds a text in one or two bytes a character, and objects in whatever it takes. */
type Kept = { readonly service: Received['service']; readonly text: string; readonly bytes: number };
type Phone = { readonly last_received_at: number; readonly kept: Kept[] };

/**
 * The phones and their last notifications, within bounds: the phone that got nothing for longest goes first, over
 * `maxBytes` the eldest of its notifications.
 *
 * @param onEvicted called with how many notifications were forgotten
 */
export const createPhones = <R extends Received>(bounds: Bounds, onEvicted: (count: number) => void) => {
  const { maxPhones, maxNotifications, maxBytes = 67_108_864 } = bounds;
  const phones = new Map<string, Phone>();
  let bytes = 0;

  /** The eldest of a phone. */
  const forget = ({ kept }: Phone, count: number): number => {
    for (const each of kept.splice(0, count)) bytes -= each.bytes;
    return count;
  };

  /** How many notifications are too many now, and are forgotten. */
  const evict = (): number => {
    let evicted = 0;
    for (const [deviceId, phone] of phones) {
      if (phones.size > maxPhones) evicted += forget(phone, phone.kept.length);
      while (bytes > maxBytes && phone.kept.length > 0) evicted += forget(phone, 1);
      if (phone.kept.length > 0) break;
      phones.delete(deviceId);
    }
    return evicted;
  };

  return {
    keep(received: R): void {
      const { device_id, service, received_at: last_received_at } = received;
      const text = JSON.stringify(received);
      const kept = phones.get(device_id)?.kept ?? [];
      const phone = { last_received_at, kept };
      const size = Buffer.byteLength(text);
      kept.push({ service, text, bytes: size });
      bytes += size;
      phones.delete(device_id);
      phones.set(device_id, phone);
      const evicted = forget(phone, Math.max(0, kept.length - maxNotifications)) + evict();
      if (evicted > 0) onEvicted(evicted);
    },

    /** What the phone got, eldest first. */
    of: (deviceId: string): readonly R[] => (phones.get(deviceId)?.kept ?? []).map(({ text }) => JSON.parse(text) as R),

    clear: (): void => {
      phones.clear();
      bytes = 0;
    },

    /** All phones, the one that got something last comes first. */
    list: (): PhoneSummary[] =>
      [...phones].toReversed().map(([device_id, { last_received_at, kept }]) => {
        const services = [...new Set(kept.map(({ service }) => service))];
        return { device_id, services, notifications: kept.length, last_received_at };
      }),
  };
};
