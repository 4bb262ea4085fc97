import { findings, toFindings } from '../credentials/finding.ts';
import type { Finding } from '../credentials/finding.ts';
import { findingOfCategory, findingOfFault, isForeign } from '../credentials/observed.ts';
import type { Observed } from '../credentials/observed.ts';
import { toApnsAnswer } from './outcome.ts';

/** What only APNs can say about credentials. */
export const apnsFindings = toFindings({
  key_refused: {
    verdict: 'refused',
    meaning:
      'APNs does not know this key: the key id or the team id is not that of the .p8 file, or the key was revoked; a clock that is ahead looks the same',
    ifClockIsOff: 'clock_off',
  },
  key_of_other_environment: {
    verdict: 'refused',
    meaning: 'this key is for the other environment (development, production): use one for both, or for this one',
  },
  key_of_other_topic: { verdict: 'refused', meaning: 'this key is restricted to other topics (bundle ids) than ours' },
  certificate_expired: { verdict: 'refused', meaning: 'the certificate has expired: get a new one from Apple' },
  certificate_of_other_environment: {
    verdict: 'refused',
    meaning: 'this certificate is for the other environment (development, production)',
  },
  topic_missing: {
    verdict: 'usable',
    meaning:
      'the provider accepts these credentials; there is no default topic, so requests that name none will be refused',
  },
  topic_refused: {
    verdict: 'refused',
    meaning: 'the default topic (bundle id) is not one of this team or certificate',
  },
});

/** What a reason word of APNs says about the credentials, if anything. */
export const findingOfApnsReason = (reason: string): Finding | undefined => byReason.get(reason);

/** What APNs thinks of us, from its answer to a push for a device token that does not exist. */
export const judgeApns = (observed: Observed, auth: 'token' | 'certificate'): Finding => {
  if (observed.type === 'fault') return findingOfFault(observed.reason);
  const answer = toApnsAnswer(observed, 0);
  if (answer.category === 'ok') return findings.fine;
  if (isForeign(observed)) return findings.foreign_answer;
  if (answer.reason === 'MissingProviderToken')
    return auth === 'token' ? apnsFindings.key_refused : findings.certificate_refused;
  return byReason.get(answer.reason) ?? findingOfCategory[answer.category];
};

const byReason: ReadonlyMap<string, Finding> = new Map(
  Object.entries({
    // The token was made a moment ago.
    ExpiredProviderToken: findings.clock_off,
    InvalidProviderToken: apnsFindings.key_refused,
    BadCertificate: findings.certificate_refused,
    BadCertificateEnvironment: apnsFindings.certificate_of_other_environment,
    BadEnvironmentKeyInToken: apnsFindings.key_of_other_environment,
    BadEnvironmentKeyIdInToken: apnsFindings.key_of_other_environment,
    UnrelatedKeyIdInToken: apnsFindings.key_of_other_topic,
    MissingTopic: apnsFindings.topic_missing,
    TopicDisallowed: apnsFindings.topic_refused,
    BadTopic: apnsFindings.topic_refused,
    // APNs judges the device token only after it has accepted the credentials.
    BadDeviceToken: findings.fine,
    DeviceTokenNotForTopic: findings.fine,
  }),
);
