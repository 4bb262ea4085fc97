import type { ApnsMessage } from '../../services/push-service/src/providers/apns/message.ts';
import type { FcmMessage } from '../../services/push-service/src/providers/fcm/message.ts';
import type { Notification } from '../../services/push-service/src/push/notification.ts';

// Where push-service answers differently from the recorded MongoosePush, and why. The golden test fails for every other
// difference, and for every entry here that makes no difference; docs/reference/push-api.md is printed from this file.

type Answer = {
  readonly status: number;
  readonly body?: string;
  readonly why: string;
  /** The reason word of v1 and v2, if they differ too. */
  readonly inV2?: string;
};

const reason = (status: number, word: string, why: string): Answer => ({
  status,
  body: JSON.stringify({ reason: word }),
  why,
});

/** By method, path and request. */
export const requestDifferences: Readonly<Record<string, Answer>> = {
  'POST /v3/notification/tok {bad': {
    status: 400,
    why: "malformed JSON is the caller's fault; recorded: an empty 500",
  },
  'GET /v3/notification/tok null': { status: 405, why: 'a wrong method; recorded: an empty 500' },
  'GET /nothing null': { status: 404, why: 'an unknown route; recorded: an empty 500' },
  'GET /healthcheck null': { status: 406, why: 'an accept header without JSON; recorded: an empty 500' },
  'POST /v3/notification/tok {"service":"fcm","data":{"a":[{"b":1}]}}': {
    status: 200,
    body: 'null',
    why: 'nested values are sent to FCM as JSON text; recorded: a crash',
  },
  'POST /v2/notification/tok {"service":"fcm","data":{"a":{"b":1}}}': {
    status: 200,
    body: 'null',
    why: 'nested values are sent to FCM as JSON text (MongoosePush issue 141)',
  },
  'POST /v3/notification/tok {"service":"fcm","alert":{"title":"t","body":"b"},"mode":"dev"}': {
    status: 200,
    body: 'null',
    why: 'FCM has no environments: mode dev uses the same project, which MongoosePush cannot be configured to do',
  },
  'POST /v1/notification/tok {"service":"fcm","title":"t","body":"b","mode":"dev"}': {
    status: 200,
    body: 'null',
    why: 'FCM has no environments: mode dev uses the same project, which MongoosePush cannot be configured to do',
  },
};

const operators = "a known reason that concerns the operator's credentials, not the push";
const thirdParty =
  'a key for Apple or Web Push in the Firebase project; a 503 would hold back the pushes to Android apps as if FCM were down';
const wordless = 'no reason word: the status decides; recorded: a crash';

/** The v3 answer, by service and the provider's status and reason word. */
export const outcomeDifferences: Readonly<Record<string, Answer>> = {
  'apns 400 IdleTimeout': reason(503, 'service_internal', 'transient; nothing was wrong with the request'),
  'apns 400 InvalidPushType': reason(503, 'internal_config', 'a header that push-service itself writes'),
  'apns 400 BadEnvironmentKeyIdInToken': reason(503, 'service_internal', operators),
  'apns 500 ': reason(503, 'service_internal', wordless),
  'apns 400 {}': reason(520, 'unspecified', wordless),
  'apns 400 {"reason":null}': reason(520, 'unspecified', wordless),
  'fcm 200 zzz': {
    ...reason(
      503,
      'service_internal',
      'FCM names every message that it accepts; any other page with status 200 comes from a proxy',
    ),
    inV2: 'service_internal',
  },
  'apns 201 ': reason(520, 'unspecified', wordless),
  'fcm 404 NOT_FOUND': reason(503, 'internal_config', 'the project was not found; this says nothing about the device'),
  'fcm 401 APNS_AUTH_ERROR': reason(500, 'APNS_AUTH_ERROR', thirdParty),
  'fcm 403 PERMISSION_DENIED': reason(503, 'service_internal', operators),
  'fcm 401 UNAUTHENTICATED': reason(503, 'service_internal', operators),
  'fcm 429 RESOURCE_EXHAUSTED': reason(
    429,
    'too_many_requests',
    'a quota error, whichever of its two reason words FCM uses',
  ),
  'fcm 500 UNSPECIFIED_ERROR': reason(
    520,
    'unspecified',
    'the name that Google really uses for what MongoosePush calls UNSPECIFIED',
  ),
  'fcm 500 UNSPECIFIED': reason(
    520,
    'unspecified',
    'the documented answer; recorded: a crash, because there was no reason phrase',
  ),
  'fcm 502 <html>bad gw</html>': reason(503, 'service_internal', wordless),
  'fcm 500 ': reason(503, 'service_internal', wordless),
  'fcm stream reset': reason(
    503,
    'connection_lost',
    'recorded: the reset goes unnoticed, and a crash follows after 5 s',
  ),
  'apns answer after 6 s': reason(503, 'request_timeout', 'recorded: a crash at 5 s'),
};

type Unrecorded = Answer & {
  /** What the request has besides its alert. */
  readonly request?: { readonly topic: string } | { readonly mode: 'dev' };
  /** The provider's answer. */
  readonly provider: { readonly status: number; readonly body: string };
  /** The answer according to MongoosePush's source. */
  readonly theirs: string;
};

const apnsBody = (word: string) => JSON.stringify({ reason: word });
const fcmBody = (errorCode: string, message = '') =>
  JSON.stringify({
    error: { message, details: [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode }] },
  });

const topics =
  'topics come from clients; a wrong one stays wrong, for this push alone. A 503 would hold back the pushes of everybody else';

/** The same for answers that were not recorded: MongoosePush's are from its source (`error_handler.ex` of both services). */
export const unrecordedDifferences: Readonly<Record<string, Unrecorded>> = {
  'fcm 403 SENDER_ID_MISMATCH': {
    provider: { status: 403, body: fcmBody('SENDER_ID_MISMATCH') },
    theirs: '503 `{"reason":"service_internal"}`',
    ...reason(
      400,
      'invalid_request',
      'the token belongs to another project: it stays wrong, for this device alone. A 503 would be retried again and again, and would hold back the pushes of everybody else as if FCM were down',
    ),
  },
  'fcm 400 INVALID_ARGUMENT, "Android message is too big"': {
    provider: { status: 400, body: fcmBody('INVALID_ARGUMENT', 'Android message is too big') },
    theirs: '400 `{"reason":"invalid_request"}`',
    ...reason(413, 'payload_too_large', 'FCM has no reason word for it; the caller can send a shorter text'),
  },
  'fcm 504 DEADLINE_EXCEEDED': {
    provider: { status: 504, body: JSON.stringify({ error: { status: 'DEADLINE_EXCEEDED' } }) },
    theirs: '500 `{"reason":"DEADLINE_EXCEEDED"}`',
    ...reason(503, 'service_internal', 'transient'),
  },
  'apns 410 ExpiredToken': {
    provider: { status: 410, body: apnsBody('ExpiredToken') },
    theirs: '500 `{"reason":"ExpiredToken"}`',
    ...reason(410, 'unregistered', 'APNs sends it for a device token that is no longer valid'),
  },
  'apns 403 BadEnvironmentKeyInToken': {
    provider: { status: 403, body: apnsBody('BadEnvironmentKeyInToken') },
    theirs: '500 `{"reason":"BadEnvironmentKeyInToken"}`',
    ...reason(503, 'service_internal', operators),
  },
  'apns 400 MissingTopic without a default topic': {
    request: { mode: 'dev' },
    provider: { status: 400, body: apnsBody('MissingTopic') },
    theirs: '503 `{"reason":"internal_config"}`',
    ...reason(400, 'invalid_request', topics),
  },
  'apns 400 BadTopic for a topic from the request': {
    request: { topic: 'com.example.other' },
    provider: { status: 400, body: apnsBody('BadTopic') },
    theirs: '503 `{"reason":"internal_config"}`',
    ...reason(400, 'invalid_request', topics),
  },
  'apns 403 UnrelatedKeyIdInToken for a topic from the request': {
    request: { topic: 'com.example.other' },
    provider: { status: 403, body: apnsBody('UnrelatedKeyIdInToken') },
    theirs: '500 `{"reason":"UnrelatedKeyIdInToken"}`',
    ...reason(400, 'invalid_request', topics),
  },
  'apns 403 UnrelatedKeyIdInToken': {
    provider: { status: 403, body: apnsBody('UnrelatedKeyIdInToken') },
    theirs: '500 `{"reason":"UnrelatedKeyIdInToken"}`',
    ...reason(503, 'service_internal', operators),
  },
};

/** The `outcomeDifferences` that were recorded as an empty 500 in v1 and v2, with the `details` of push-service's answer. */
export const emptyInV2: Readonly<Record<string, string>> = {
  'apns 500 ': 'service_internal',
  'apns 400 {}': 'unspecified',
  'apns 400 {"reason":null}': 'unspecified',
  'apns 201 ': 'unspecified',
  'fcm 502 <html>bad gw</html>': 'service_internal',
  'fcm 500 ': 'service_internal',
  'fcm stream reset': 'connection_lost',
  'apns answer after 6 s': 'request_timeout',
};

type Correction<M> = {
  /** What is changed. */
  readonly what: string;
  readonly why: string;
  readonly correct: (recorded: M, pushed: Notification) => M;
};

type RecordedFcm = FcmMessage & {
  readonly notification?: object;
  readonly android?: { readonly data?: FcmMessage['data'] };
};

/** What is changed in a recorded FCM message; each must change at least one. */
export const fcmCorrections: readonly Correction<RecordedFcm>[] = [
  {
    what: '`data` is in the message, not under `android`',
    why: 'all platforms read it there (as in MongoosePush 2.3.0)',
    correct: ({ android: { data, ...android } = {}, ...message }) => ({ ...message, android, ...(data && { data }) }),
  },
  {
    what: 'empty objects are left out',
    why: 'with a notification, even an empty one, a push is not silent',
    correct: (message) => withoutEmpty({ ...message, android: withoutEmpty(message.android ?? {}) }),
  },
];

type RecordedApns = Pick<ApnsMessage, 'headers' | 'payload'>;
const isBackground = ({ payload }: RecordedApns) => 'content-available' in (payload['aps'] as object);
const header = (recorded: RecordedApns, name: string, value: string): RecordedApns => ({
  ...recorded,
  headers: { ...recorded.headers, [name]: value },
});

/** What is changed in a recorded APNs request; each must change at least one. */
export const apnsCorrections: readonly Correction<RecordedApns>[] = [
  {
    what: 'alerts have an `apns-push-type` too',
    why: 'required since iOS 13',
    correct: (recorded) => header(recorded, 'apns-push-type', isBackground(recorded) ? 'background' : 'alert'),
  },
  {
    what: 'a silent push without a topic gets the default topic',
    why: 'APNs would answer MissingTopic',
    correct: (recorded) =>
      isBackground(recorded) && !recorded.headers['apns-topic']
        ? header(recorded, 'apns-topic', 'com.example.app')
        : recorded,
  },
  {
    what: '`apns-priority: 5` for silent pushes',
    why: 'APNs rejects any other priority',
    correct: (recorded) => (isBackground(recorded) ? header(recorded, 'apns-priority', '5') : recorded),
  },
  {
    what: 'the `tag` is the `apns-collapse-id`',
    why: 'it replaces the previous notification, as it does on Android',
    correct: (recorded, { alert }) => (alert?.tag ? header(recorded, 'apns-collapse-id', alert.tag) : recorded),
  },
];

const withoutEmpty = <T extends object>(value: T): T =>
  Object.fromEntries(
    Object.entries(value).filter(([, each]) => typeof each !== 'object' || Object.keys(each as object).length > 0),
  ) as T;
