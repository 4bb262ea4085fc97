import type { Received } from './received.ts';

export type PhoneSummary = {
  readonly device_id: string;
  readonly service: Received['service'];
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
export const createPhones = <R extends Received>(bounds: Bounds, onEvicted: (count: number) => void) => {
  const { maxPhones, maxNotifications } = bounds;
  const phones = new Map<string, R[]>();

  return {
    keep(received: R): void {
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
    of: (deviceId: string): readonly R[] => phones.get(deviceId) ?? [],

    clear: (): void => phones.clear(),

    /** All phones, the one that got something last comes first. */
    list: (): PhoneSummary[] =>
      [...phones].toReversed().flatMap(([device_id, kept]) => {
        const last = kept.at(-1);
        if (!last) return [];
        return { device_id, service: last.service, notifications: kept.length, last_received_at: last.received_at };
      }),
  };
};
