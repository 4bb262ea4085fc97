/**
 * What trying out credentials came to. `usable`: the provider lets them in. `refused`: it does not, and will not tomorrow.
 * `undecided`: it could not be asked.
 */
export type Verdict = 'usable' | 'refused' | 'undecided';

type Row = { readonly verdict: Verdict; readonly words: string };

/** What can be found, and what it means in the words of those who can do something about it. */
export const findings = {
  fine: { verdict: 'usable', words: 'the provider takes these credentials' },
  fine_with_clock_off: {
    verdict: 'usable',
    words:
      'the provider takes these credentials, but the clock of this machine is off: set it (NTP), tokens are dated by it',
  },
  clock_off: {
    verdict: 'refused',
    words:
      'the clock of this machine is off, so our tokens are too old or of the future when they are made: set it (NTP)',
  },
  key_refused: {
    verdict: 'refused',
    words:
      'APNs does not know this key: the key id or the team id is not that of the .p8 file, or the key was revoked; a clock that is ahead looks the same',
  },
  key_of_other_environment: {
    verdict: 'refused',
    words: 'this key is for the other environment (development, production): use one that is for both, or for this one',
  },
  key_of_other_topic: { verdict: 'refused', words: 'this key is restricted to other topics (bundle ids) than ours' },
  certificate_expired: { verdict: 'refused', words: 'the certificate has expired: get a new one from Apple' },
  certificate_refused: {
    verdict: 'refused',
    words:
      'APNs does not take this certificate: it was revoked, or is not one that Apple issued for push notifications',
  },
  certificate_of_other_environment: {
    verdict: 'refused',
    words: 'this certificate is for the other environment (development, production)',
  },
  topic_missing: {
    verdict: 'usable',
    words:
      'the provider takes these credentials; there is no default topic, so requests that name none will be refused',
  },
  topic_refused: {
    verdict: 'refused',
    words: 'the default topic (bundle id) is not one of this team or certificate',
  },
  account_key_refused: {
    verdict: 'refused',
    words: 'Google does not know the key of this service account: it was deleted or has expired; make a new one',
  },
  account_unknown: { verdict: 'refused', words: 'Google does not know this service account: it was deleted' },
  account_refused: { verdict: 'refused', words: 'Google gives this service account no access token' },
  access_token_refused: {
    verdict: 'refused',
    words: 'Google gave an access token, and FCM does not take it: is the token endpoint the right one?',
  },
  sending_forbidden: {
    verdict: 'refused',
    words:
      'this service account may not send for this project: enable the Firebase Cloud Messaging API (V1), and give it the role Firebase Cloud Messaging API Admin',
  },
  project_unknown: { verdict: 'refused', words: 'there is no such Firebase project' },
  vapid_fine: {
    verdict: 'usable',
    words: 'the key is good; no push service is asked, for each subscription names its own',
  },
  throttled: { verdict: 'undecided', words: 'the provider takes no more requests now; try again in a minute' },
  provider_out: {
    verdict: 'undecided',
    words: 'the provider, or a proxy on the way to it, is in trouble; try again later',
  },
  foreign_answer: {
    verdict: 'undecided',
    words: 'an answer that the provider would not give: a proxy in between, or is this not its address?',
  },
  name_unknown: { verdict: 'undecided', words: 'the host has no address: is its name right, does DNS work here?' },
  unreachable: { verdict: 'undecided', words: 'no connection: is the way out open (port 443, or 2197 for APNs)?' },
  stranger: {
    verdict: 'undecided',
    words: 'the host shows a certificate that is not trusted here: a proxy in between, or authorities are missing?',
  },
  no_http2: { verdict: 'undecided', words: 'the host speaks no HTTP/2: a proxy in between?' },
  unexpected: { verdict: 'undecided', words: 'an answer that says nothing about the credentials' },
} as const satisfies Readonly<Record<string, Row>>;

export type Finding = keyof typeof findings;
