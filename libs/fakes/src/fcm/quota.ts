/** Limits on the number of messages. Without a value there is no limit. */
export type Quota = {
  /** Per project; Google's limit is 600,000. */
  readonly projectPerMinute?: number;
  /** Per device; Google's limit is 240. */
  readonly devicePerMinute?: number;
  /** Per device; Google's limit is 5,000. */
  readonly devicePerHour?: number;
  /** Collapsible messages per device in one burst, after which one is sent every three minutes; Google's limit is 20. */
  readonly collapsibleBurst?: number;
};

type Limit = { readonly name: string; readonly lengthMs: number; readonly most: number | undefined };
type Window = { readonly endsAt: number; used: number };
/** A token bucket. `left` is below 0 while messages wait; `waiting`: until when, by collapse key. */
type Bucket = { left: number; at: number; readonly waiting: Map<string, number> };

const minuteMs = 60_000;
const hourMs = 3_600_000;
const collapsibleRefillMs = 180_000;
/** "The FCM server can simultaneously store four different collapsible messages per device". */
const maxCollapseKeys = 4;
const maxWindows = 100_000;

/**
 * "FCM Throttling and Quotas": windows of fixed length, each of which begins with its first message and not on the
 * minute. A message that is refused for a quota does not count. An invalid one counts for its project, because that quota
 * is checked first. Too many collapsible messages are not an error: FCM accepts them and delivers them late.
 *
 * @param clock milliseconds since 1970
 */
export const createQuotas = (clock: () => number) => {
  const windows = new Map<string, Window>();
  const buckets = new Map<string, Bucket>();
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

  const bucketOf = (device: string, burst: number, now: number): Bucket => {
    const bucket = buckets.get(device) ?? { left: burst, at: now, waiting: new Map() };
    bucket.left = Math.min(burst, bucket.left + (now - bucket.at) / collapsibleRefillMs);
    bucket.at = now;
    if (buckets.size >= maxWindows) buckets.clear();
    buckets.set(device, bucket);
    return bucket;
  };

  return {
    set: (next: Quota): void => {
      quota = next;
      windows.clear();
      buckets.clear();
    },
    /** Counts a message. If the window is full, the seconds until the next one; otherwise `undefined`. */
    takeOfProject: (project: string): number | undefined =>
      take([{ name: `project ${project}`, lengthMs: minuteMs, most: quota.projectPerMinute }]),
    takeOfDevice: (device: string): number | undefined =>
      take([
        { name: `minute ${device}`, lengthMs: minuteMs, most: quota.devicePerMinute },
        { name: `hour ${device}`, lengthMs: hourMs, most: quota.devicePerHour },
      ]),
    /** Milliseconds that FCM holds back a message with this collapse key. A newer one may replace it meanwhile. */
    collapsibleDelay: (device: string, key: string): number => {
      if (quota.collapsibleBurst === undefined) return 0;
      const now = clock();
      const bucket = bucketOf(device, quota.collapsibleBurst, now);
      const until = bucket.waiting.get(key) ?? 0;
      if (until > now) return until - now;
      bucket.left -= 1;
      const delay = Math.max(0, Math.round(-bucket.left * collapsibleRefillMs));
      if (delay === 0) return 0;
      bucket.waiting.set(key, now + delay);
      const [oldest] = bucket.waiting.keys();
      if (bucket.waiting.size > maxCollapseKeys && oldest !== undefined) bucket.waiting.delete(oldest);
      return delay;
    },
  };
};
