/**
 * What trying out credentials came to. `usable`: the provider accepts them. `refused`: it does not, and waiting will not
 * help. `undecided`: it could not be asked.
 */
export type Verdict = 'usable' | 'refused' | 'undecided';

type Row = {
  readonly verdict: Verdict;
  /** What it means, in words for whoever can do something about it. */
  readonly meaning: string;
  /** The finding instead of this one when our clock turns out to be off. */
  readonly ifClockIsOff?: 'fine_with_clock_off' | 'clock_off';
  /** How far the clock may be off, in milliseconds, before it counts; `maxSkewMs` when absent. */
  readonly toleratedSkewMs?: number;
};

/** A row of a table of findings, with its name. */
export type Finding = Row & { readonly name: string };

/** What a provider says about credentials. */
export type TriedOut = {
  readonly finding: Finding;
  /** How many milliseconds the provider's clock is ahead of ours, if its answer carried the time. */
  readonly skewMs: number | undefined;
  /** Where it was found, if not at the pool's own address. */
  readonly foundAt?: string;
};

/** Turns a table of findings into values that know their own name. */
export const toFindings = <Name extends string>(table: Readonly<Record<Name, Row>>): Readonly<Record<Name, Finding>> =>
  Object.fromEntries(Object.entries<Row>(table).map(([name, row]) => [name, { name, ...row }] as const)) as Readonly<
    Record<Name, Finding>
  >;

/** The findings that any provider may lead to; each provider's `findings.ts` holds its own. */
export const findings = toFindings({
  fine: {
    verdict: 'usable',
    meaning: 'the provider accepts these credentials',
    ifClockIsOff: 'fine_with_clock_off',
  },
  fine_with_clock_off: {
    verdict: 'usable',
    meaning:
      'the provider accepts these credentials, but the clock of this machine is off: set it (NTP), tokens are dated by it',
  },
  clock_off: {
    verdict: 'refused',
    meaning:
      'the clock of this machine is off, so our tokens are already too old, or dated in the future, when they are made: set it (NTP)',
  },
  certificate_refused: {
    verdict: 'refused',
    meaning:
      'the provider does not accept this certificate: it was revoked, or (APNs) is not one that Apple issued for push notifications',
  },
  throttled: { verdict: 'undecided', meaning: 'the provider takes no more requests now; try again in a minute' },
  provider_out: {
    verdict: 'undecided',
    meaning: 'the provider, or a proxy on the way to it, is in trouble; try again later',
  },
  foreign_answer: {
    verdict: 'undecided',
    meaning: 'an answer that the provider would not give: is there a proxy in between, or is this not its address?',
  },
  name_unknown: {
    verdict: 'undecided',
    meaning: 'the host has no address: is its name right, and does DNS work here?',
  },
  unreachable: {
    verdict: 'undecided',
    meaning: 'no connection: are outgoing connections allowed (port 443, or 2197 for APNs)?',
  },
  stranger: {
    verdict: 'undecided',
    meaning:
      'the host shows a certificate that is not trusted here: is there a proxy in between, or are authorities missing?',
  },
  no_http2: { verdict: 'undecided', meaning: 'the host does not speak HTTP/2: is there a proxy in between?' },
  unexpected: { verdict: 'undecided', meaning: 'an answer that says nothing about the credentials' },
});

/** More than a slow answer can account for, less than APNs and Google put up with; milliseconds. */
export const maxSkewMs = 60_000;

/** The finding in the light of what is known about the clocks, even if another provider told us. */
export const withClock = (finding: Finding, skewMs: number | undefined): Finding => {
  const { ifClockIsOff, toleratedSkewMs = maxSkewMs } = finding;
  return ifClockIsOff && Math.abs(skewMs ?? 0) > toleratedSkewMs ? findings[ifClockIsOff] : finding;
};
