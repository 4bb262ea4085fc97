/** Histogram buckets in seconds for one hop. */
export const hopSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** Histogram buckets in seconds for the whole line: from the accepted publish to its recorded end. */
export const lineSeconds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 60, 300, 1800, 3600, 14400, 86400] as const;
