import type { Finding } from './finding.ts';
import { parseJson } from '../../push/parse-json.ts';
import { toApnsAnswer } from '../apns/outcome.ts';
import type { Refusal } from '../../push/category.ts';
import { toFcmAnswer } from '../fcm/outcome.ts';
import { isPage } from '../response.ts';

/** What came of asking a provider something that reaches no device. */
export type Observed =
  | { readonly type: 'answer'; readonly status: number; readonly body: string; readonly date?: string }
  /** `reason` is an error code of Node, OpenSSL or the pool of connections. */
  | { readonly type: 'fault'; readonly reason: string };

/** By how many milliseconds the clock of the provider is ahead of ours, from the `date` of its answer. */
export const skewOf = (observed: Observed, now: number): number | undefined => {
  const theirs = observed.type === 'answer' ? Date.parse(observed.date ?? '') : Number.NaN;
  return Number.isNaN(theirs) ? undefined : theirs - now;
};

/** Above what a slow answer can make of it, below what APNs and Google put up with. */
export const maxSkewMs = 60_000;

/** A VAPID token is good for twelve hours, of the 24 that it may be (RFC 8292 §2): a clock may be off by as much. */
const maxSkewOfVapidMs = 12 * 3_600_000;

const byClock: Partial<Readonly<Record<Finding, Finding>>> = {
  fine: 'fine_with_clock_off',
  key_refused: 'clock_off',
  account_refused: 'clock_off',
  vapid_fine: 'clock_off',
};

/** The finding in the light of what is known of the clocks, be it from another provider. */
export const withClock = (finding: Finding, skewMs: number | undefined): Finding => {
  const tolerated = finding === 'vapid_fine' ? maxSkewOfVapidMs : maxSkewMs;
  return Math.abs(skewMs ?? 0) <= tolerated ? finding : (byClock[finding] ?? finding);
};

/** Whether an answer that is no success came from somebody else. One with 5xx may be of what stands in front of the provider. */
const isForeign = ({ status, body }: Extract<Observed, { type: 'answer' }>): boolean =>
  status < 400 || (status < 500 && status !== 429 && isPage(body));

/** What APNs thinks of who asks, from its answer to a push for a device token that is none. */
export const judgeApns = (observed: Observed, auth: 'token' | 'certificate'): Finding => {
  if (observed.type === 'fault') return judgeFault(observed.reason);
  const answer = toApnsAnswer(observed, 0);
  if (answer.category === 'ok') return 'fine';
  if (isForeign(observed)) return 'foreign_answer';
  if (answer.reason === 'MissingProviderToken') return auth === 'token' ? 'key_refused' : 'certificate_refused';
  return byReason[answer.reason] ?? byCategory[answer.category];
};

const byReason: Readonly<Record<string, Finding>> = {
  // A token that was made a moment ago.
  ExpiredProviderToken: 'clock_off',
  InvalidProviderToken: 'key_refused',
  BadCertificate: 'certificate_refused',
  BadCertificateEnvironment: 'certificate_of_other_environment',
  BadEnvironmentKeyInToken: 'key_of_other_environment',
  BadEnvironmentKeyIdInToken: 'key_of_other_environment',
  UnrelatedKeyIdInToken: 'key_of_other_topic',
  MissingTopic: 'topic_missing',
  TopicDisallowed: 'topic_refused',
  BadTopic: 'topic_refused',
  // What is said of a device token is said to somebody who was let in.
  BadDeviceToken: 'fine',
  DeviceTokenNotForTopic: 'fine',
};

/** What FCM’s words for its 401, 403 and 404 mean, and OAuth’s (RFC 6749 §5.2) without Google’s text. */
const byReasonOfGoogle: Readonly<Record<string, Finding>> = {
  UNAUTHENTICATED: 'access_token_refused',
  PERMISSION_DENIED: 'sending_forbidden',
  NOT_FOUND: 'project_unknown',
  invalid_grant: 'account_refused',
};

/** What a word of APNs, FCM or the token endpoint means for our credentials, if it is a telling one. */
export const findingOfReason = (reason: string): Finding | undefined => byReason[reason] ?? byReasonOfGoogle[reason];

/** What an answer without a telling word means for who asks. */
const byCategory: Readonly<Record<Refusal, Finding>> = {
  invalid_request: 'fine',
  unregistered: 'fine',
  payload_too_large: 'unexpected',
  too_many_requests: 'throttled',
  service_internal: 'provider_out',
  auth: 'unexpected',
  third_party_auth: 'unexpected',
  internal_config: 'unexpected',
  unspecified: 'unexpected',
  unknown: 'unexpected',
  no_matching_pool: 'unexpected',
  invalid_notification: 'unexpected',
  unable_to_connect: 'unreachable',
  connection_lost: 'unreachable',
  request_timeout: 'unreachable',
};

/** What Google thinks of a service account, from the refusal of an access token (RFC 6749 §5.2, texts are Google’s). */
export const judgeGrant = (observed: Observed): Finding => {
  if (observed.type === 'fault') return judgeFault(observed.reason);
  const { error, error_description: text } = (parseJson(observed.body) ?? {}) as Readonly<Record<string, unknown>>;
  if (observed.status === 429) return 'throttled';
  if (observed.status >= 500) return 'provider_out';
  if (isForeign(observed) || typeof error !== 'string') return 'foreign_answer';
  const description = typeof text === 'string' ? text : '';
  return grantTexts.find(([pattern]) => pattern.test(description))?.[1] ?? 'account_refused';
};

const grantTexts: readonly (readonly [RegExp, Finding])[] = [
  [/signature/i, 'account_key_refused'],
  [/account not found/i, 'account_unknown'],
  [/reasonable timeframe/i, 'clock_off'],
];

/** What FCM thinks of who asks, from its answer to a `validate_only` message for a registration token that is none. */
export const judgeFcm = (observed: Observed): Finding => {
  if (observed.type === 'fault') return judgeFault(observed.reason);
  const answer = toFcmAnswer(observed, 0);
  if (answer.category === 'ok') return 'fine';
  if (isForeign(observed)) return 'foreign_answer';
  if (observed.status === 401) return 'access_token_refused';
  // Before FCM looks at whose token it is, it looks at who asks.
  if (answer.reason === 'SENDER_ID_MISMATCH') return 'fine';
  if (observed.status === 403) return 'sending_forbidden';
  return answer.reason === 'NOT_FOUND' ? 'project_unknown' : byCategory[answer.category];
};

const faultReasons: readonly (readonly [RegExp, Finding])[] = [
  [/^(?:ENOTFOUND|EAI_)/, 'name_unknown'],
  [/^no_h2$/, 'no_http2'],
  // How OpenSSL tells that the other side did not like our certificate.
  [/ALERT.*CERTIFICATE|ALERT_(?:UNKNOWN_CA|ACCESS_DENIED)/, 'certificate_refused'],
  [/CERT|SIGNATURE|ISSUER|SELF_SIGNED|HOSTNAME_MISMATCH/, 'stranger'],
  [/ALPN|NO_APPLICATION_PROTOCOL/, 'no_http2'],
  // Something that is neither TLS nor HTTP.
  [/WRONG_VERSION|PACKET_LENGTH|^EPROTO$|^HPE_/, 'foreign_answer'],
];

const judgeFault = (reason: string): Finding =>
  faultReasons.find(([pattern]) => pattern.test(reason))?.[1] ?? 'unreachable';
