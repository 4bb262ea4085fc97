/** How many messages may come; what is absent has no limit. */
export type Quota = {
  /** Of a project; 600,000 with Google. */
  readonly projectPerMinute?: number;
  /** Of one device; 240 with Google. */
  readonly devicePerMinute?: number;
  /** Of one device; 5,000 with Google. */
  readonly devicePerHour?: number;
  /** Collapsible ones of one device at once, before each waits for its turn, one in three minutes; 20 with Google. */
  readonly collapsibleBurst?: number;
};

type Limit = { readonly name: string; readonly lengthMs: number; readonly most: number | undefined };
type Window = { readonly endsAt: number; used: number };
/** `left` is below 0 while messages wait: by collapse key, until when. */
type Bucket = { left: number; at: number; readonly waiting: Map<string, number> };

const minuteMs = 60_000;
const hourMs = 3_600_000;
const collapsibleRefillMs = 180_000;
/** "The FCM server can simultaneously store four different collapsible messages per device". */
const maxCollapseKeys = 4;
const maxWindows = 100_000;

/**
 * "FCM Throttling and Quotas": windows of fixed length that begin with their first message, not with the minute of the
 * clock. What is refused for its quota does not count; what is wrong with a message is found after it was counted. Too
 * many collapsible messages are no error: they are accepted and come late.
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
    /** Seconds until the window that is full opens again; `undefined` when the message was counted. */
    takeOfProject: (project: string): number | undefined =>
      take([{ name: `project ${project}`, lengthMs: minuteMs, most: quota.projectPerMinute }]),
    takeOfDevice: (device: string): number | undefined =>
      take([
        { name: `minute ${device}`, lengthMs: minuteMs, most: quota.devicePerMinute },
        { name: `hour ${device}`, lengthMs: hourMs, most: quota.devicePerHour },
      ]),
    /** Milliseconds that FCM keeps back a collapsible message of this key; meanwhile a newer one takes its place. */
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
      const [eldest] = bucket.waiting.keys();
      if (bucket.waiting.size > maxCollapseKeys && eldest !== undefined) bucket.waiting.delete(eldest);
      return delay;
    },
  };
};
