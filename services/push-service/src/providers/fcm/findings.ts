import { parseJson } from '../../push/parse-json.ts';
import { findings, toFindings } from '../credentials/finding.ts';
import type { Finding } from '../credentials/finding.ts';
import { findingOfCategory, findingOfFault, isForeign } from '../credentials/observed.ts';
import type { Observed } from '../credentials/observed.ts';
import { toFcmAnswer } from './outcome.ts';

/** What only Google can say about credentials. */
export const fcmFindings = toFindings({
  account_key_refused: {
    verdict: 'refused',
    meaning: 'Google does not know the key of this service account: it was deleted or has expired; make a new one',
  },
  account_unknown: { verdict: 'refused', meaning: 'Google does not know this service account: it was deleted' },
  account_refused: {
    verdict: 'refused',
    meaning: 'Google gives this service account no access token',
    ifClockIsOff: 'clock_off',
  },
  access_token_refused: {
    verdict: 'refused',
    meaning: 'Google gave an access token, but FCM does not accept it: is the token endpoint the right one?',
  },
  sending_forbidden: {
    verdict: 'refused',
    meaning:
      'this service account may not send for this project: enable the Firebase Cloud Messaging API (V1), and give it the role Firebase Cloud Messaging API Admin',
  },
  project_unknown: { verdict: 'refused', meaning: 'there is no such Firebase project' },
});

/** What a reason word of FCM or of the token endpoint says about the credentials, if anything. */
export const findingOfFcmReason = (reason: string): Finding | undefined => byReason.get(reason);

/** FCM's words for its 401, 403 and 404, and OAuth's (RFC 6749 §5.2) without Google's text. */
const byReason: ReadonlyMap<string, Finding> = new Map(
  Object.entries({
    UNAUTHENTICATED: fcmFindings.access_token_refused,
    PERMISSION_DENIED: fcmFindings.sending_forbidden,
    NOT_FOUND: fcmFindings.project_unknown,
    invalid_grant: fcmFindings.account_refused,
  }),
);

/** What Google thinks of a service account, from its refusal of an access token (RFC 6749 §5.2; the texts are Google's). */
export const judgeGrant = (observed: Observed): Finding => {
  if (observed.type === 'fault') return findingOfFault(observed.reason);
  const { error, error_description: text } = (parseJson(observed.body) ?? {}) as Readonly<Record<string, unknown>>;
  if (observed.status === 429) return findings.throttled;
  if (observed.status >= 500) return findings.provider_out;
  if (isForeign(observed) || typeof error !== 'string') return findings.foreign_answer;
  const description = typeof text === 'string' ? text : '';
  return grantTexts.find(([pattern]) => pattern.test(description))?.[1] ?? fcmFindings.account_refused;
};

const grantTexts: readonly (readonly [RegExp, Finding])[] = [
  [/signature/i, fcmFindings.account_key_refused],
  [/account not found/i, fcmFindings.account_unknown],
  [/reasonable timeframe/i, findings.clock_off],
];

/** What FCM thinks of us, from its answer to a `validate_only` message for a registration token that does not exist. */
export const judgeFcm = (observed: Observed): Finding => {
  if (observed.type === 'fault') return findingOfFault(observed.reason);
  const answer = toFcmAnswer(observed, 0);
  if (answer.category === 'ok') return findings.fine;
  if (isForeign(observed)) return findings.foreign_answer;
  if (observed.status === 401) return fcmFindings.access_token_refused;
  // FCM checks who is asking before it checks whose token it is.
  if (answer.reason === 'SENDER_ID_MISMATCH') return findings.fine;
  if (observed.status === 403) return fcmFindings.sending_forbidden;
  return answer.reason === 'NOT_FOUND' ? fcmFindings.project_unknown : findingOfCategory[answer.category];
};
