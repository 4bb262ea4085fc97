import type { Received } from './received.ts';

export type PhoneSummary = {
  readonly device_id: string;
  /** The services of the stored notifications. */
  readonly services: readonly Received['service'][];
  /** The number of stored notifications. */
  readonly notifications: number;
  /** Milliseconds since 1970. */
  readonly last_received_at: number;
};

type Bounds = {
  readonly maxPhones: number;
  /** Per phone. */
  readonly maxNotifications: number;
  /** Of all notifications as JSON; 64 MiB if absent. */
  readonly maxBytes?: number;
};

/** Stored as JSON: the heap needs one or two bytes per character for a string, and an unknown number for an object. */
type Stored = { readonly service: Received['service']; readonly text: string; readonly bytes: number };
type Phone = { readonly last_received_at: number; readonly stored: Stored[] };

/**
 * The phones and their latest notifications, within bounds. Beyond `maxPhones`, the phone that has received nothing for
 * longest is evicted; beyond `maxBytes`, its oldest notifications are.
 *
 * @param onEvicted called with the number of evicted notifications
 */
export const createPhones = <R extends Received>(bounds: Bounds, onEvicted: (count: number) => void) => {
  const { maxPhones, maxNotifications, maxBytes = 67_108_864 } = bounds;
  const phones = new Map<string, Phone>();
  let bytes = 0;

  /** Drops the oldest notifications of a phone. */
  const forget = ({ stored }: Phone, count: number): number => {
    for (const each of stored.splice(0, count)) bytes -= each.bytes;
    return count;
  };

  /** Enforces the bounds on all phones together. Returns the number of evicted notifications. */
  const evict = (): number => {
    let evicted = 0;
    for (const [deviceId, phone] of phones) {
      if (phones.size > maxPhones) evicted += forget(phone, phone.stored.length);
      while (bytes > maxBytes && phone.stored.length > 0) evicted += forget(phone, 1);
      if (phone.stored.length > 0) break;
      phones.delete(deviceId);
    }
    return evicted;
  };

  return {
    add: (received: R): void => {
      const { device_id, service, received_at: last_received_at } = received;
      const text = JSON.stringify(received);
      const stored = phones.get(device_id)?.stored ?? [];
      const phone = { last_received_at, stored };
      const size = Buffer.byteLength(text);
      stored.push({ service, text, bytes: size });
      bytes += size;
      phones.delete(device_id);
      phones.set(device_id, phone);
      const evicted = forget(phone, Math.max(0, stored.length - maxNotifications)) + evict();
      if (evicted > 0) onEvicted(evicted);
    },

    /** The notifications of a phone, oldest first. */
    of: (deviceId: string): readonly R[] =>
      (phones.get(deviceId)?.stored ?? []).map(({ text }) => JSON.parse(text) as R),

    clear: (): void => {
      phones.clear();
      bytes = 0;
    },

    /** All phones, the most recent receiver first. */
    list: (): PhoneSummary[] =>
      [...phones].toReversed().map(([device_id, { last_received_at, stored }]) => {
        const services = [...new Set(stored.map(({ service }) => service))];
        return { device_id, services, notifications: stored.length, last_received_at };
      }),
  };
};
