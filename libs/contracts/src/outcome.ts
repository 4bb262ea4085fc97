/** How one attempt to deliver ended. The list is closed: a new outcome does not compile until every table has a row for it. */
export const outcomes = [
  'delivered',
  'unregistered',
  'rejected',
  'too-large',
  'throttled',
  'unavailable',
  'held',
  'expired',
  'exhausted',
] as const;
export type Outcome = (typeof outcomes)[number];

/**
 * The recorded ends of a delivery. `refused`: it was accepted unverified, and its publisher turned out not to be permitted
 * to publish.
 */
export const ends = ['delivered', 'unregistered', 'expired', 'parked', 'merged', 'refused'] as const;
export type End = (typeof ends)[number];

/**
 * What an outcome does to the delivery: it ends (`end`), is tried again with back-off (`retry`), is shortened once and
 * tried again (`shorten`), or goes back untouched (`hold`). Only `unregistered` may retire a push node, on evidence.
 */
export type Policy =
  | { readonly step: 'end'; readonly end: End; readonly retires: boolean }
  | { readonly step: 'retry' | 'shorten' | 'hold' };

export const policies: Readonly<Record<Outcome, Policy>> = {
  delivered: { step: 'end', end: 'delivered', retires: false },
  unregistered: { step: 'end', end: 'unregistered', retires: true },
  rejected: { step: 'end', end: 'parked', retires: false },
  'too-large': { step: 'shorten' },
  throttled: { step: 'retry' },
  unavailable: { step: 'retry' },
  held: { step: 'hold' },
  expired: { step: 'end', end: 'expired', retires: false },
  exhausted: { step: 'end', end: 'parked', retires: false },
};
