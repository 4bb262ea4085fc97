/** Messages that may come in a window; what is absent has no limit. */
export type Quota = {
  /** Of a project; 600,000 with Google. */
  readonly projectPerMinute?: number;
  /** Of one device; 240 with Google. */
  readonly devicePerMinute?: number;
  /** Of one device; 5,000 with Google. */
  readonly devicePerHour?: number;
};

type Window = { readonly endsAt: number; used: number };

const minuteMs = 60_000;
const hourMs = 3_600_000;
const maxWindows = 100_000;

/**
 * "Scale FCM": windows of fixed length that begin with their first message, not with the minute of the clock. A message that
 * comes too much is refused, and does not count.
 */
export const createQuotas = (clock: () => number) => {
  const windows = new Map<string, Window>();
  let quota: Quota = {};

  const windowOf = (name: string, lengthMs: number): Window => {
    const now = clock();
    const open = windows.get(name);
    if (open && open.endsAt > now) return open;
    if (windows.size >= maxWindows) windows.clear();
    const next = { endsAt: now + lengthMs, used: 0 };
    windows.set(name, next);
    return next;
  };

  return {
    set: (next: Quota): void => {
      quota = next;
      windows.clear();
    },
    /** Seconds until the window that is full opens again; `undefined` when the message was counted. */
    take: (project: string, device: string): number | undefined => {
      const limits = [
        [`project ${project}`, minuteMs, quota.projectPerMinute],
        [`minute ${device}`, minuteMs, quota.devicePerMinute],
        [`hour ${device}`, hourMs, quota.devicePerHour],
      ] as const;
      const counted = limits.flatMap(([name, lengthMs, most]) =>
        most === undefined ? [] : [{ window: windowOf(name, lengthMs), most }],
      );
      const full = counted.find(({ window, most }) => window.used >= most);
      if (full) return Math.max(1, Math.ceil((full.window.endsAt - clock()) / 1000));
      for (const { window } of counted) window.used += 1;
      return undefined;
    },
  };
};
