import type { Behaviour } from './behaviour.ts';
import { createPhones } from './phones.ts';
import { pushKeyOf } from './received.ts';
import type { Decoded, Received } from './received.ts';

/** A notification and what the fake did with it. */
type Entry = Received & {
  /** `accept`, or the behaviour that was simulated in its place. */
  readonly answer: Behaviour['type'];
};

/** A push that was accepted more than once. */
type Duplicate = { readonly device_id: string; readonly key: string; readonly times: number };

type Bounds = { readonly maxPhones: number; readonly maxNotifications: number; readonly maxKeys: number };

/** All notifications by device, in order, and the pushes that were accepted twice, within bounds: the oldest go first. */
export const createLedger = ({ maxKeys, ...bounds }: Bounds) => {
  const entries = createPhones<Entry>(bounds, () => {});
  /** How often each push was accepted. */
  const accepted = new Map<string, number>();
  const duplicates = new Map<string, Duplicate>();
  let total = 0;
  let refused = 0;
  let mistaken = 0;

  const countAccepted = (decoded: Decoded): void => {
    const key = pushKeyOf(decoded);
    const times = (accepted.get(key) ?? 0) + 1;
    accepted.set(key, times);
    if (times > 1) duplicates.set(key, { device_id: decoded.device_id, key, times });
    const [oldest] = accepted.keys();
    if (accepted.size <= maxKeys || oldest === undefined) return;
    accepted.delete(oldest);
    duplicates.delete(oldest);
  };

  return {
    add: (decoded: Decoded, answer: Behaviour['type']): void => {
      total += 1;
      entries.add({ id: total, answer, ...decoded });
      if (answer === 'accept') countAccepted(decoded);
      else refused += 1;
      if (answer === 'mistaken') mistaken += 1;
    },
    /** All devices, the most recent receiver first. */
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
