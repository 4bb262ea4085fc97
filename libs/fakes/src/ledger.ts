import type { Act } from './behaviour.ts';
import { createPhones } from './phones.ts';
import { pushKeyOf } from './received.ts';
import type { Decoded, Received } from './received.ts';

/** What came for a device, and what was made of it. */
export type Entry = Received & {
  /** `accept`, or what was played in its place. */
  readonly answer: Act['type'];
};

/** A push that was accepted more than once. */
export type Duplicate = { readonly device_id: string; readonly key: string; readonly times: number };

type Bounds = { readonly maxPhones: number; readonly maxNotifications: number; readonly maxKeys: number };

/** Everything that came, by device and in order, and what came twice; the eldest is forgotten. */
export const createLedger = ({ maxKeys, ...bounds }: Bounds) => {
  const entries = createPhones<Entry>(bounds, () => {});
  /** By push, how often it was accepted. */
  const accepted = new Map<string, number>();
  const duplicates = new Map<string, Duplicate>();
  let total = 0;
  let refused = 0;
  let mistaken = 0;

  const noteAccepted = (decoded: Decoded) => {
    const key = pushKeyOf(decoded);
    const times = (accepted.get(key) ?? 0) + 1;
    accepted.set(key, times);
    if (times > 1) duplicates.set(key, { device_id: decoded.device_id, key, times });
    const [eldest] = accepted.keys();
    if (accepted.size <= maxKeys || eldest === undefined) return;
    accepted.delete(eldest);
    duplicates.delete(eldest);
  };

  return {
    note: (decoded: Decoded, answer: Act['type']): void => {
      total += 1;
      entries.keep({ id: total, answer, ...decoded });
      if (answer === 'accept') noteAccepted(decoded);
      else refused += 1;
      if (answer === 'mistaken') mistaken += 1;
    },
    /** All devices, the one that got something last comes first. */
    devices: entries.list,
    of: entries.of,
    duplicates: (): readonly Duplicate[] => [...duplicates.values()],
    counts: () => ({ received: total, accepted: total - refused, refused, mistaken, duplicates: duplicates.size }),
    clear: (): void => {
      entries.clear();
      accepted.clear();
      duplicates.clear();
      total = 0;
      refused = 0;
      mistaken = 0;
    },
  };
};

export type Ledger = ReturnType<typeof createLedger>;
