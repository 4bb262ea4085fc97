import type { Outcome } from './outcome.ts';

// The table of reasons: what became of one push at its provider, in words that both sides of the push API share.
// push-service classifies the provider's answers by it; the dispatcher turns the push API's answers into outcomes by it.

type CategoryRow = {
  /** How v3 of the API answers. Without `word` the answer carries the provider's own reason word. */
  readonly v3: { readonly status: number; readonly word?: string };
  readonly outcome: Exclude<Outcome, 'held' | 'expired' | 'exhausted'>;
  /**
   * For APNs and FCM: the provider or the operator's credentials are at fault, not this push. An outage spends none of
   * its attempts and counts towards the circuit. Behind Web Push are many servers, so there it is never an outage.
   */
  readonly isOutage: boolean;
};

const refused = { outcome: 'rejected', isOutage: false } as const;
const outage = { outcome: 'unavailable', isOutage: true } as const;
/** Worth another try, but possibly about this push alone. */
const doubtful = { outcome: 'unavailable', isOutage: false } as const;

const rows = {
  ok: { v3: { status: 200 }, outcome: 'delivered', isOutage: false },
  invalid_request: { v3: { status: 400, word: 'invalid_request' }, ...refused },
  no_matching_pool: { v3: { status: 400, word: 'no_matching_pool' }, ...refused },
  invalid_notification: { v3: { status: 400, word: 'invalid_notification' }, ...refused },
  unregistered: { v3: { status: 410, word: 'unregistered' }, outcome: 'unregistered', isOutage: false },
  payload_too_large: { v3: { status: 413, word: 'payload_too_large' }, outcome: 'too-large', isOutage: false },
  too_many_requests: { v3: { status: 429, word: 'too_many_requests' }, outcome: 'throttled', isOutage: false },
  service_internal: { v3: { status: 503, word: 'service_internal' }, ...outage },
  // Refused credentials concern only the operator: callers see the word of an outage.
  auth: { v3: { status: 503, word: 'service_internal' }, ...outage },
  // Only the apps on iOS or in browsers are affected: as an outage it would hold back those on Android.
  third_party_auth: { v3: { status: 500 }, ...doubtful },
  internal_config: { v3: { status: 503, word: 'internal_config' }, ...outage },
  unable_to_connect: { v3: { status: 503, word: 'unable_to_connect' }, ...outage },
  connection_lost: { v3: { status: 503, word: 'connection_lost' }, ...outage },
  request_timeout: { v3: { status: 503, word: 'request_timeout' }, ...outage },
  unspecified: { v3: { status: 520, word: 'unspecified' }, ...doubtful },
  unknown: { v3: { status: 500 }, ...doubtful },
} as const satisfies Readonly<Record<string, CategoryRow>>;

/**
 * What a provider's answer means, in MongoosePush's own words (its v3 API). `unknown` is a reason word that no list below
 * has; `unspecified` is an answer that says nothing. Only push-service has `third_party_auth`: the Firebase project's key
 * for Apple or for Web Push is refused.
 */
export type Category = keyof typeof rows;

/** Every category. A new one does not compile until every table that is keyed by categories has a row for it. */
export const categoryTable: Readonly<Record<Category, CategoryRow>> = rows;

export const categories = Object.keys(rows) as readonly Category[];

type Reasons = Readonly<Record<string, Exclude<Category, 'ok'>>>;

/**
 * APNs: "Handling notification responses from APNs". Classified as in MongoosePush, except that it does not know
 * `ExpiredToken`, `InvalidPushType`, `BadEnvironmentKeyInToken`, `BadEnvironmentKeyIdInToken` and
 * `UnrelatedKeyIdInToken`, and treats `IdleTimeout` as the caller's fault.
 */
export const apnsReasons = {
  BadCollapseId: 'invalid_request',
  BadDeviceToken: 'invalid_request',
  DeviceTokenNotForTopic: 'invalid_request',
  Forbidden: 'invalid_request',
  PayloadEmpty: 'invalid_request',
  TopicDisallowed: 'invalid_request',
  Unregistered: 'unregistered',
  ExpiredToken: 'unregistered',
  PayloadTooLarge: 'payload_too_large',
  TooManyRequests: 'too_many_requests',
  TooManyProviderTokenUpdates: 'too_many_requests',
  BadExpirationDate: 'internal_config',
  BadMessageId: 'internal_config',
  BadPath: 'internal_config',
  BadPriority: 'internal_config',
  BadTopic: 'internal_config',
  DuplicateHeaders: 'internal_config',
  InvalidPushType: 'internal_config',
  MethodNotAllowed: 'internal_config',
  MissingDeviceToken: 'internal_config',
  MissingTopic: 'internal_config',
  BadCertificate: 'auth',
  BadCertificateEnvironment: 'auth',
  ExpiredProviderToken: 'auth',
  InvalidProviderToken: 'auth',
  MissingProviderToken: 'auth',
  BadEnvironmentKeyInToken: 'auth',
  BadEnvironmentKeyIdInToken: 'auth',
  UnrelatedKeyIdInToken: 'auth',
  IdleTimeout: 'service_internal',
  InternalServerError: 'service_internal',
  ServiceUnavailable: 'service_internal',
  Shutdown: 'service_internal',
} as const satisfies Reasons;

/**
 * FCM HTTP v1 "ErrorCode" and google.rpc.Code. MongoosePush knows the FCM words; the google.rpc words that come without an
 * FCM word (UNAUTHENTICATED, RESOURCE_EXHAUSTED and so on) it does not classify.
 */
export const fcmReasons = {
  INVALID_ARGUMENT: 'invalid_request',
  // The token belongs to another project: that never changes, and concerns only this device. MongoosePush treats it as an
  // outage, so that the push would be tried again and again and hold back all others.
  SENDER_ID_MISMATCH: 'invalid_request',
  UNREGISTERED: 'unregistered',
  QUOTA_EXCEEDED: 'too_many_requests',
  RESOURCE_EXHAUSTED: 'too_many_requests',
  UNAUTHENTICATED: 'auth',
  PERMISSION_DENIED: 'auth',
  // MongoosePush treats both as an outage.
  THIRD_PARTY_AUTH_ERROR: 'third_party_auth',
  APNS_AUTH_ERROR: 'third_party_auth',
  // Without the FCM word UNREGISTERED it is the project that was not found.
  NOT_FOUND: 'internal_config',
  UNAVAILABLE: 'service_internal',
  INTERNAL: 'service_internal',
  DEADLINE_EXCEEDED: 'service_internal',
  UNSPECIFIED: 'unspecified',
  UNSPECIFIED_ERROR: 'unspecified',
} as const satisfies Reasons;

/**
 * OAuth 2.0 (RFC 6749 §5.2 and §4.1.2.1): Google's token endpoint refuses the service account. To push-service every
 * word of such a refusal means `auth`, even `invalid_request`, which is not in this list because it is also a category.
 */
export const oauthReasons = {
  access_denied: 'auth',
  invalid_client: 'auth',
  invalid_grant: 'auth',
  invalid_scope: 'auth',
  unauthorized_client: 'auth',
  unsupported_grant_type: 'auth',
} as const satisfies Reasons;

/**
 * Web Push: push-service's own words for an invalid subscription, for an endpoint that it must not connect to, and for
 * statuses of push services (RFC 8030 §5 to §8, RFC 8292 §4). The subscriber chooses which server answers, so none of these
 * words may count as an outage, which would hold back everybody else's pushes.
 */
export const webPushReasons = {
  not_a_subscription: 'invalid_request',
  bad_endpoint: 'invalid_request',
  bad_p256dh: 'invalid_request',
  bad_auth: 'invalid_request',
  endpoint_not_allowed: 'invalid_request',
  // Redirects are not followed: that would be a way around the address guard.
  redirected: 'invalid_request',
  // The subscription was made for another VAPID key.
  vapid_refused: 'invalid_request',
} as const satisfies Reasons;

/** Every reason word with its category. No word is in two lists, and none is the name of a category. */
export const reasons: Reasons = { ...apnsReasons, ...fcmReasons, ...oauthReasons, ...webPushReasons };

export type ApnsReason = keyof typeof apnsReasons;
export type WebPushReason = keyof typeof webPushReasons;

/** The words with which APNs refuses a topic that the push names. */
export const wrongTopicReasons: ReadonlySet<string> = new Set<ApnsReason>(['BadTopic', 'UnrelatedKeyIdInToken']);

const headerWord = {
  as: 'unknown',
  why: 'a header that the push API wrote from the request: as an outage, one odd request could hold back all others',
} as const;

/**
 * v1 and v2, and v3 for `third_party_auth` and `unknown`, answer 500 with the provider's word and no category. These words
 * then count as a different category from the one in their list.
 */
export const bareReasons: Readonly<Partial<Record<ApnsReason, { readonly as: Category; readonly why: string }>>> = {
  Forbidden: { as: 'unknown', why: 'APNs does not say what is forbidden: it is tried again before it is given up' },
  BadExpirationDate: headerWord,
  BadMessageId: headerWord,
  BadPath: headerWord,
  BadPriority: headerWord,
  DuplicateHeaders: headerWord,
  MethodNotAllowed: headerWord,
  MissingDeviceToken: headerWord,
  InvalidPushType: {
    as: 'invalid_request',
    why: 'the type follows from the request: this push will never be accepted',
  },
  MissingTopic: {
    as: 'invalid_request',
    why: 'neither the request nor the pool has a topic: this push will never be accepted',
  },
};
