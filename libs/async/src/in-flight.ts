import { createSlots } from './slots.ts';
import type { Slots } from './slots.ts';

type WithDeadline = {
  /** In milliseconds of `performance.now()`: the system clock may be changed in the meantime. */
  readonly deadline: number;
};

/** Requests that wait for their answers. */
export type InFlight<T extends WithDeadline> = Slots<T> & {
  /** Ends the sweep: deadlines are no longer watched. */
  readonly stop: () => void;
};

/**
 * Keeps the requests in flight, each until its deadline. One timer sweeps all of them every `sweepMs`, because a timer for
 * each request would cost a large share of the CPU time of the request.
 *
 * @param onDeadline is called for each entry that is past its deadline, after its slot was freed
 */
export const createInFlight = <T extends WithDeadline>(
  sweepMs: number,
  onDeadline: (entry: T) => void,
): InFlight<T> => {
  const slots = createSlots<T>();
  const timer = setInterval(() => {
    const now = performance.now();
    slots.forEach((entry, slot) => {
      if (entry.deadline > now) return;
      slots.free(slot);
      onDeadline(entry);
    });
  }, sweepMs);
  timer.unref();
  return { ...slots, stop: () => clearInterval(timer) };
};
