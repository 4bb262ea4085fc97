import type { ApnsMessage } from '../../services/push-service/src/providers/apns/message.ts';
import type { FcmMessage } from '../../services/push-service/src/providers/fcm/message.ts';
import type { Notification } from '../../services/push-service/src/push/notification.ts';

// Where this server answers otherwise than the recorded MongoosePush, and why. The golden test fails for every other
// difference, and for every entry here that is none; docs/reference/push-api.md is printed from here.

type Answer = {
  readonly status: number;
  readonly body?: string;
  readonly why: string;
  /** The word of v1 and v2, where they answer otherwise too. */
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
    why: 'malformed JSON is the caller’s fault; recorded: an empty 500',
  },
  'GET /v3/notification/tok null': { status: 405, why: 'a wrong method; recorded: an empty 500' },
  'GET /nothing null': { status: 404, why: 'an unknown route; recorded: an empty 500' },
  'GET /healthcheck null': { status: 406, why: 'an accept header without JSON; recorded: an empty 500' },
  'POST /v3/notification/tok {"service":"fcm","data":{"a":[{"b":1}]}}': {
    status: 200,
    body: 'null',
    why: 'what is nested goes to FCM as its JSON text; recorded: a crash',
  },
  'POST /v2/notification/tok {"service":"fcm","data":{"a":{"b":1}}}': {
    status: 200,
    body: 'null',
    why: 'what is nested goes to FCM as its JSON text (MongoosePush issue 141)',
  },
  'POST /v3/notification/tok {"service":"fcm","alert":{"title":"t","body":"b"},"mode":"dev"}': {
    status: 200,
    body: 'null',
    why: 'FCM knows no environments: mode dev goes to the same project; MongoosePush cannot be configured to',
  },
  'POST /v1/notification/tok {"service":"fcm","title":"t","body":"b","mode":"dev"}': {
    status: 200,
    body: 'null',
    why: 'FCM knows no environments: mode dev goes to the same project; MongoosePush cannot be configured to',
  },
};

const operators = 'a known word of our credentials, not of the push';
const thirdParty =
  'a key for Apple or Web Push in the Firebase project; a 503 holds the pushes of the apps on Android back as if FCM were out';
const wordless = 'no reason word: the status decides; recorded: a crash';

/** By service and the provider’s status and word, the v3 answer. */
export const outcomeDifferences: Readonly<Record<string, Answer>> = {
  'apns 400 IdleTimeout': reason(503, 'service_internal', 'passes by itself; nothing was wrong with the request'),
  'apns 400 InvalidPushType': reason(503, 'internal_config', 'a header that this server writes'),
  'apns 400 BadEnvironmentKeyIdInToken': reason(503, 'service_internal', operators),
  'apns 500 ': reason(503, 'service_internal', wordless),
  'apns 400 {}': reason(520, 'unspecified', wordless),
  'apns 400 {"reason":null}': reason(520, 'unspecified', wordless),
  'fcm 200 zzz': {
    ...reason(503, 'service_internal', 'what FCM accepts gets a name; a page with status 200 is a proxy’s'),
    inV2: 'service_internal',
  },
  'apns 201 ': reason(520, 'unspecified', wordless),
  'fcm 404 NOT_FOUND': reason(
    503,
    'internal_config',
    'the project was not found; the device has nothing to do with it',
  ),
  'fcm 401 APNS_AUTH_ERROR': reason(500, 'APNS_AUTH_ERROR', thirdParty),
  'fcm 403 PERMISSION_DENIED': reason(503, 'service_internal', operators),
  'fcm 401 UNAUTHENTICATED': reason(503, 'service_internal', operators),
  'fcm 429 RESOURCE_EXHAUSTED': reason(429, 'too_many_requests', 'a quota, whichever of its two words says so'),
  'fcm 500 UNSPECIFIED_ERROR': reason(520, 'unspecified', 'Google’s real name of what MongoosePush calls UNSPECIFIED'),
  'fcm 500 UNSPECIFIED': reason(
    520,
    'unspecified',
    'the documented answer; recorded: a crash for want of a reason phrase',
  ),
  'fcm 502 <html>bad gw</html>': reason(503, 'service_internal', wordless),
  'fcm 500 ': reason(503, 'service_internal', wordless),
  'fcm stream reset': reason(503, 'connection_lost', 'recorded: not noticed, a crash after 5 s'),
  'apns answer after 6 s': reason(503, 'request_timeout', 'recorded: a crash at 5 s'),
};

type Unrecorded = Answer & {
  /** What the request says beside its alert. */
  readonly request?: { readonly topic: string } | { readonly mode: 'dev' };
  /** Of the provider. */
  readonly provider: { readonly status: number; readonly body: string };
  /** What the source of MongoosePush answers. */
  readonly theirs: string;
};

const apnsBody = (word: string) => JSON.stringify({ reason: word });
const fcmBody = (errorCode: string, message = '') =>
  JSON.stringify({
    error: { message, details: [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode }] },
  });

const topics =
  'users name topics, and a wrong one is wrong for ever, and only for this push. A 503 holds the pushes of all others back';

/** The same for answers that nobody recorded: MongoosePush’s source says what it does (`error_handler.ex` of both services). */
export const unrecordedDifferences: Readonly<Record<string, Unrecorded>> = {
  'fcm 403 SENDER_ID_MISMATCH': {
    provider: { status: 403, body: fcmBody('SENDER_ID_MISMATCH') },
    theirs: '503 `{"reason":"service_internal"}`',
    ...reason(
      400,
      'invalid_request',
      'the token is one of another project: wrong for ever, and only for this device. A 503 is tried again and again, and holds the pushes of all others back as if FCM were out',
    ),
  },
  'fcm 400 INVALID_ARGUMENT, “Android message is too big”': {
    provider: { status: 400, body: fcmBody('INVALID_ARGUMENT', 'Android message is too big') },
    theirs: '400 `{"reason":"invalid_request"}`',
    ...reason(413, 'payload_too_large', 'FCM has no word for it; who asks can send a shorter text'),
  },
  'fcm 504 DEADLINE_EXCEEDED': {
    provider: { status: 504, body: JSON.stringify({ error: { status: 'DEADLINE_EXCEEDED' } }) },
    theirs: '500 `{"reason":"DEADLINE_EXCEEDED"}`',
    ...reason(503, 'service_internal', 'passes by itself'),
  },
  'apns 410 ExpiredToken': {
    provider: { status: 410, body: apnsBody('ExpiredToken') },
    theirs: '500 `{"reason":"ExpiredToken"}`',
    ...reason(410, 'unregistered', 'APNs says so of a device token that is no longer one'),
  },
  'apns 403 BadEnvironmentKeyInToken': {
    provider: { status: 403, body: apnsBody('BadEnvironmentKeyInToken') },
    theirs: '500 `{"reason":"BadEnvironmentKeyInToken"}`',
    ...reason(503, 'service_internal', operators),
  },
  'apns 400 MissingTopic where there is no default topic': {
    request: { mode: 'dev' },
    provider: { status: 400, body: apnsBody('MissingTopic') },
    theirs: '503 `{"reason":"internal_config"}`',
    ...reason(400, 'invalid_request', topics),
  },
  'apns 400 BadTopic to a topic of the request’s own': {
    request: { topic: 'com.example.other' },
    provider: { status: 400, body: apnsBody('BadTopic') },
    theirs: '503 `{"reason":"internal_config"}`',
    ...reason(400, 'invalid_request', topics),
  },
  'apns 403 UnrelatedKeyIdInToken to a topic of the request’s own': {
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

/** Those of `outcomeDifferences` that v1 and v2 answer otherwise, too: recorded as an empty 500. `details` then is our word. */
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
    what: '`data` stands in the message, not under `android`',
    why: 'all platforms look for it there (as in MongoosePush 2.3.0)',
    correct: ({ android: { data, ...android } = {}, ...message }) => ({ ...message, android, ...(data && { data }) }),
  },
  {
    what: 'nothing empty is sent',
    why: 'with a notification, be it empty, a push is not silent',
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
    what: '`apns-push-type` of alerts too',
    why: 'required since iOS 13',
    correct: (recorded) => header(recorded, 'apns-push-type', isBackground(recorded) ? 'background' : 'alert'),
  },
  {
    what: 'a silent push without topic gets the default one',
    why: 'APNs would answer MissingTopic',
    correct: (recorded) =>
      isBackground(recorded) && !recorded.headers['apns-topic']
        ? header(recorded, 'apns-topic', 'com.example.app')
        : recorded,
  },
  {
    what: '`apns-priority: 5` for silent pushes',
    why: 'APNs refuses any other',
    correct: (recorded) => (isBackground(recorded) ? header(recorded, 'apns-priority', '5') : recorded),
  },
  {
    what: 'the `tag` is the `apns-collapse-id`',
    why: 'it replaces the notification before it, as it does on Android',
    correct: (recorded, { alert }) => (alert?.tag ? header(recorded, 'apns-collapse-id', alert.tag) : recorded),
  },
];

const withoutEmpty = <T extends object>(value: T): T =>
  Object.fromEntries(
    Object.entries(value).filter(([, each]) => typeof each !== 'object' || Object.keys(each as object).length > 0),
  ) as T;
