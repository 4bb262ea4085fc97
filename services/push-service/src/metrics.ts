import { hopSeconds } from '@pushmesh/telemetry';
import type { MetricGroup, MetricsOf } from '@pushmesh/telemetry';

/** The metrics of push-service. */
export const pushServiceMetrics = {
  requests: {
    type: 'counter',
    name: 'pushmesh_push_service_requests_total',
    help: 'Answers of the push API by version, push service (none: refused before it was known) and status, whatever answered; of several notifications in one request each counts; unknown paths do not, nor does input that is not HTTP',
    labels: ['version', 'push_service', 'status'],
  },
  requestSeconds: {
    type: 'histogram',
    name: 'pushmesh_push_service_request_seconds',
    help: 'Time that a push took here, with the answer of its push service; refused requests are not timed',
    labels: ['version'],
    buckets: hopSeconds,
  },
  providerAnswers: {
    type: 'counter',
    name: 'pushmesh_provider_answers_total',
    help: 'Answers of the providers by pool (none where none fits) and category of the MongoosePush API; auth, third_party_auth, internal_config and unknown are for the operator to fix',
    labels: ['pool', 'push_service', 'mode', 'category'],
  },
  unauthorized: {
    type: 'counter',
    name: 'pushmesh_push_service_unauthorized_total',
    help: 'Requests without a valid token, whatever their path',
    labels: [],
  },
  connectionsRefused: {
    type: 'counter',
    name: 'pushmesh_push_service_connections_refused_total',
    help: 'Connections of callers that were closed at once, because HTTP_MAX_CONNECTIONS was reached',
    labels: [],
  },
  handshakesFailed: {
    type: 'counter',
    name: 'pushmesh_push_service_handshakes_failed_total',
    help: 'TLS handshakes of callers that failed, for example for lack of a certificate of PUSH_HTTPS_CLIENT_CAFILE',
    labels: [],
  },
  certificateExpires: {
    type: 'gauge',
    name: 'pushmesh_push_service_certificate_expiry_timestamp_seconds',
    help: 'When the server certificate in use expires, in seconds since 1970; 0 without TLS',
    labels: [],
  },
  certificateReloads: {
    type: 'counter',
    name: 'pushmesh_push_service_certificate_reloads_total',
    help: 'Changes of the certificate files by result: loaded, failed',
    labels: ['result'],
  },
  lastSuccess: {
    type: 'gauge',
    name: 'pushmesh_provider_last_success_timestamp_seconds',
    help: 'When the provider last accepted a push of this pool, in seconds since 1970',
    labels: ['pool'],
  },
  providerConnections: {
    type: 'counter',
    name: 'pushmesh_provider_connection_changes_total',
    help: 'Changes of the connections to the provider: connected, unreachable, lost, goaway, retired',
    labels: ['pool', 'change'],
  },
  fcmTokens: {
    type: 'counter',
    name: 'pushmesh_fcm_token_renewals_total',
    help: 'Requests to Google for an access token, by result: token, refused, unavailable',
    labels: ['pool', 'result'],
  },
  fcmQuotaUsed: {
    type: 'counter',
    name: 'pushmesh_fcm_quota_used_total',
    help: "Messages that count against the project's quota: all answers except 429 and 5xx; the quota used is sum by (pool) (increase(…[1m])) over the replicas / pushmesh_fcm_quota_per_minute",
    labels: ['pool'],
  },
  fcmQuota: {
    type: 'gauge',
    name: 'pushmesh_fcm_quota_per_minute',
    help: 'Messages per minute that Google grants the project, as configured',
    labels: ['pool'],
  },
  certificateExpiry: {
    type: 'gauge',
    name: 'pushmesh_apns_certificate_expiry_timestamp_seconds',
    help: 'When the APNs certificate in use expires, in seconds since 1970',
    labels: ['pool'],
  },
  credentialsChanged: {
    type: 'gauge',
    name: 'pushmesh_credentials_changed_timestamp_seconds',
    help: 'When the files of the credentials in use last changed, in seconds since 1970: the age of a key',
    labels: ['pool'],
  },
  credentialsRead: {
    type: 'gauge',
    name: 'pushmesh_credentials_read_timestamp_seconds',
    help: 'When the credential files were last read, in seconds since 1970',
    labels: [],
  },
  credentialsRefused: {
    type: 'gauge',
    name: 'pushmesh_credentials_refused',
    help: '1 while the credential files hold something that cannot be used, and the old credentials stay in use',
    labels: ['pool'],
  },
  credentialReloads: {
    type: 'counter',
    name: 'pushmesh_credential_reloads_total',
    help: 'Changed credential files by result: swapped, unreadable, refused by the provider, undecided because it could not be asked',
    labels: ['pool', 'result'],
  },
  webPushOriginsOut: {
    type: 'gauge',
    name: 'pushmesh_web_push_origins_out',
    help: 'Web Push services (origins of endpoints) that this replica holds back from: three failures in a row and no successful push since; those unused for an hour are forgotten',
    labels: [],
  },
  sandbox: {
    type: 'gauge',
    name: 'pushmesh_sandbox',
    help: '1 while push-service is a sandbox: no provider is enabled, and no push reaches a phone',
    labels: [],
  },
  sandboxEvicted: {
    type: 'counter',
    name: 'pushmesh_sandbox_evicted_total',
    help: 'Notifications that the sandbox forgot because its bound was reached',
    labels: [],
  },
} as const satisfies MetricGroup;

export type PushServiceMetrics = MetricsOf<typeof pushServiceMetrics>;
