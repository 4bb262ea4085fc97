/** One metric: what it is called, what it counts, in which unit, and which labels it has. Every label is bounded. */
export type Metric = {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly buckets?: readonly number[];
};

/** Seconds, for one hop. */
const hop = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Seconds, from the accepted publish to its recorded end. */
const line = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 60, 300, 1800, 3600, 14400, 86400];

/** Every metric of the mesh, by the service or library that measures it. Code refers to these entries only. */
export const metricNames = {
  bus: {
    connected: {
      type: 'gauge',
      name: 'pushmesh_nats_connected',
      help: '1 from when NATS is connected and the streams were made sure of until the connection is lost, else 0',
      labels: [],
    },
    published: {
      type: 'counter',
      name: 'pushmesh_nats_published_total',
      help: 'JetStream publishes by how they ended: stored, duplicate, refused, timeout, disconnected, full; one of push.result.delivered may hold many ends',
      labels: ['subject', 'result'],
    },
    publishSeconds: {
      type: 'histogram',
      name: 'pushmesh_nats_publish_seconds',
      help: 'Time from a JetStream publish to its PubAck',
      labels: ['subject'],
      buckets: hop,
    },
    received: {
      type: 'counter',
      name: 'pushmesh_nats_received_total',
      help: 'Messages taken from a durable consumer by how they were settled: ack, retry, fault; unreadable ones count as both',
      labels: ['durable', 'settled'],
    },
    inFlight: {
      type: 'gauge',
      name: 'pushmesh_nats_in_flight',
      help: 'Messages of a durable consumer that this process has taken and not yet settled',
      labels: ['durable'],
    },
    pulling: {
      type: 'gauge',
      name: 'pushmesh_nats_pulling',
      help: '1 while the consumer asks for messages, 0 while it is held or stopped',
      labels: ['durable'],
    },
    backlog: {
      type: 'gauge',
      name: 'pushmesh_queue_depth',
      help: 'Messages of a durable consumer that are waiting or in flight, in the whole mesh',
      labels: ['durable'],
    },
    oldest: {
      type: 'gauge',
      name: 'pushmesh_queue_age_seconds',
      help: 'Age of the message that was stored first of those that a durable consumer has waiting or in flight (0: none): of a delivery since its push was accepted, of others since they were stored. Each attempt stores a delivery anew, so that one accepted earlier may stand behind it',
      labels: ['durable'],
    },
  },
  gateway: {
    streamUp: {
      type: 'gauge',
      name: 'pushmesh_xmpp_stream_up',
      help: '1 while the component stream is online, else 0',
      labels: ['component'],
    },
    streamChanges: {
      type: 'counter',
      name: 'pushmesh_xmpp_stream_changes_total',
      help: 'Changes of the state of a component stream, by the new state',
      labels: ['component', 'state'],
    },
    stanzas: {
      type: 'counter',
      name: 'pushmesh_stanzas_total',
      help: 'Stanzas by request and by the answer that was decided: result, ignored, or the error condition; answers that were not sent count too, see pushmesh_answers_lost_total',
      labels: ['component', 'request', 'answer'],
    },
    answerSeconds: {
      type: 'histogram',
      name: 'pushmesh_stanza_answer_seconds',
      help: 'Time from a request stanza to its answer',
      labels: ['request'],
      buckets: hop,
    },
    inFlight: {
      type: 'gauge',
      name: 'pushmesh_stanzas_in_flight',
      help: 'Stanzas that were taken and not yet answered',
      labels: ['component'],
    },
    paused: {
      type: 'counter',
      name: 'pushmesh_xmpp_pauses_total',
      help: 'How often a component stream stopped reading because too much was in flight',
      labels: ['component'],
    },
    answersLost: {
      type: 'counter',
      name: 'pushmesh_answers_lost_total',
      help: 'Answers that were not sent: there was no stream to go out on, or the server would have closed it over them. The sender’s wait times out; servers do not repeat a publish, but one whose lost answer is a result is stored and pushed',
      labels: ['component'],
    },
    unverified: {
      type: 'counter',
      name: 'pushmesh_publishes_unverified_total',
      help: 'Publishes stored without authorisation because pubsub-push did not answer in time',
      labels: [],
    },
  },
  pubsubPush: {
    commands: {
      type: 'counter',
      name: 'pushmesh_commands_total',
      help: 'Commands by type and reply',
      labels: ['command', 'reply'],
    },
    commandSeconds: {
      type: 'histogram',
      name: 'pushmesh_command_seconds',
      help: 'Time to answer a command',
      labels: ['command'],
      buckets: hop,
    },
    verified: {
      type: 'counter',
      name: 'pushmesh_publishes_verified_total',
      help: 'Publishes that were stored unverified, by the later verdict',
      labels: ['verdict'],
    },
    feedback: {
      type: 'counter',
      name: 'pushmesh_feedback_total',
      help: 'Devices that a push service no longer knows, by what that did to the push node: retire, or nothing as it is stale or gone',
      labels: ['decision'],
    },
    storeUp: {
      type: 'gauge',
      name: 'pushmesh_redis_connected',
      help: '1 while the connection to Redis is up, else 0',
      labels: [],
    },
  },
  dispatcher: {
    outcomes: {
      type: 'counter',
      name: 'pushmesh_delivery_outcomes_total',
      help: 'Attempts to deliver, by outcome',
      labels: ['push_service', 'mode', 'outcome'],
    },
    pushApiSeconds: {
      type: 'histogram',
      name: 'pushmesh_push_api_seconds',
      help: 'Time that one call of the push API took, by outcome',
      labels: ['push_service', 'outcome'],
      buckets: hop,
    },
    endedSeconds: {
      type: 'histogram',
      name: 'pushmesh_delivery_ended_seconds',
      help: 'Time from the accepted publish to the recorded end of its delivery',
      labels: ['push_service', 'end'],
      buckets: line,
    },
    circuit: {
      type: 'gauge',
      name: 'pushmesh_circuit_state',
      help: 'State of the circuit: 0 closed, 1 half open, 2 open',
      labels: ['push_service', 'mode'],
    },
  },
  pushService: {
    requests: {
      type: 'counter',
      name: 'pushmesh_push_service_requests_total',
      help: 'Answers of the push API by version, push service (none: refused before it was known) and status, whatever answered; of several notifications in one request each counts; unknown paths do not, nor does what is no HTTP',
      labels: ['version', 'push_service', 'status'],
    },
    requestSeconds: {
      type: 'histogram',
      name: 'pushmesh_push_service_request_seconds',
      help: 'Time that a push took here, with the answer of its push service; refused requests are not timed',
      labels: ['version'],
      buckets: hop,
    },
    providerAnswers: {
      type: 'counter',
      name: 'pushmesh_provider_answers_total',
      help: 'Answers of the providers by pool (none where none fits) and category of the MongoosePush API; auth, third_party_auth, internal_config and unknown are the operator’s to mend',
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
      help: 'TLS handshakes of callers that failed, for want of a certificate of PUSH_HTTPS_CLIENT_CAFILE for example',
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
      help: 'Changes of the certificate’s files by what came of them: loaded, failed',
      labels: ['result'],
    },
    lastSuccess: {
      type: 'gauge',
      name: 'pushmesh_provider_last_success_timestamp_seconds',
      help: 'When the provider took a push of this pool for the last time, in seconds since 1970',
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
      help: 'How asking Google for an access token ended: token, refused, unavailable',
      labels: ['pool', 'result'],
    },
    fcmQuotaUsed: {
      type: 'counter',
      name: 'pushmesh_fcm_quota_used_total',
      help: 'Messages that count against the quota of the project: all answers but 429 and 5xx; its use is sum by (pool) (increase(…[1m])) over the replicas / pushmesh_fcm_quota_per_minute',
      labels: ['pool'],
    },
    fcmQuota: {
      type: 'gauge',
      name: 'pushmesh_fcm_quota_per_minute',
      help: 'Messages a minute that Google grants the project, as configured',
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
      help: 'When the files of the credentials in use were changed, in seconds since 1970: the age of a key',
      labels: ['pool'],
    },
    credentialsRead: {
      type: 'gauge',
      name: 'pushmesh_credentials_read_timestamp_seconds',
      help: 'When the credential files were looked at for the last time, in seconds since 1970',
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
      help: 'Changed credential files by what came of them: swapped, unreadable, refused by the provider, undecided as it could not be asked',
      labels: ['pool', 'result'],
    },
    webPushOriginsOut: {
      type: 'gauge',
      name: 'pushmesh_web_push_origins_out',
      help: 'Web Push services (origins of endpoints) that this replica holds back from: three failures in a row, no push has worked since; those unused for an hour are forgotten',
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
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Metric>>>>;
