import { toFindings } from '../credentials/finding.ts';

/** RFC 8292 §2 allows a token 24 hours; ours has twelve, so a clock may be off by as much. */
const toleratedSkewMs = 12 * 3_600_000;

export const webPushFindings = toFindings({
  vapid_fine: {
    verdict: 'usable',
    meaning: 'the key is good; no push service is asked, because each subscription names its own',
    ifClockIsOff: 'clock_off',
    toleratedSkewMs,
  },
});
