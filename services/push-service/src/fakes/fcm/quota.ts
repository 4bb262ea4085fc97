/** Messages that may come in a window; what is absent has no limit. */
export type Quota = {
  /** Of a project; 600,000 with Google. */
  readonly projectPerMinute?: number;
  /** Of one device; 240 with Google. */
  readonly devicePerMinute?: number;
  /** Of one device; 5,000 with Google. */
  readonly devicePerHour?: number;
};

type Limit = { readonly name: string; readonly lengthMs: number; readonly most: number | undefined };
type Window = { readonly endsAt: number; used: number };

const minuteMs = 60_000;
const hourMs = 3_600_000;
const maxWindows = 100_000;

/**
 * "Scale FCM": windows of fixed length that begin with their first message, not with the minute of the clock. What is
 * refused for its quota does not count; what is wrong with a message is found after it was counted.
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

  const take = (limits: readonly Limit[]): number | undefined => {
    const counted = limits.flatMap(({ name, lengthMs, most }) =>
      most === undefined ? [] : [{ window: windowOf(name, lengthMs), most }],
    );
    const full = counted.find(({ window, most }) => window.used >= most);
    if (full) return Math.max(1, Math.ceil((full.window.endsAt - clock()) / 1000));
    for (const { window } of counted) window.used += 1;
    return undefined;
  };

  return {
    set: (next: Quota): void => {
      quota = next;
      windows.clear();
    },
    /** Seconds until the window that is full opens again; `undefined` when the message was counted. */
    takeOfProject: (project: string): number | undefined =>
      take([{ name: `project ${project}`, lengthMs: minuteMs, most: quota.projectPerMinute }]),
    takeOfDevice: (device: string): number | undefined =>
      take([
        { name: `minute ${device}`, lengthMs: minuteMs, most: quota.devicePerMinute },
        { name: `hour ${device}`, lengthMs: hourMs, most: quota.devicePerHour },
      ]),
  };
};
