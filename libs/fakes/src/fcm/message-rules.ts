import type { Answer } from '../http2-reply.ts';
import { parseJson } from '../parse-json.ts';
import { fcmAnswers, invalidField, invalidMessage } from './answers.ts';
import { readShape } from './message-shape.ts';

/** A valid `Message` of FCM HTTP v1 (`projects.messages`): the fields that a device gets or a rule looks at. */
export type SentMessage = {
  /** A registration token. */
  readonly token?: string;
  /** A Firebase installation ID, which replaces registration tokens. */
  readonly fid?: string;
  readonly topic?: string;
  readonly condition?: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly notification?: { readonly title?: string; readonly body?: string };
  readonly android?: {
    readonly collapse_key?: string;
    readonly priority?: 'NORMAL' | 'HIGH';
    /** A google.protobuf.Duration, such as `60s`. */
    readonly ttl?: string;
    readonly data?: Readonly<Record<string, string>>;
    readonly notification?: Readonly<Partial<Record<'title' | 'body' | 'click_action' | 'tag' | 'sound', string>>>;
  };
  readonly apns?: {
    readonly headers?: Readonly<Record<string, string>>;
    readonly payload?: Readonly<Record<string, unknown>>;
  };
  readonly webpush?: {
    readonly data?: object;
    readonly notification?: object;
    readonly fcm_options?: { readonly link?: string };
  };
};

/** `validateOnly`: FCM checks the message and does not deliver it. */
export type ValidRequest = { readonly ok: true; readonly message: SentMessage; readonly validateOnly: boolean };
type CheckedRequest = ValidRequest | { readonly ok: false; readonly response: Answer };

/** What FCM finds in the body of `messages:send`: a message, or the answer that says what is wrong with it. */
export const checkSendRequest = (text: string): CheckedRequest => {
  const body = parseJson(text);
  if (body === undefined) return { ok: false, response: invalidField('', 'Invalid JSON payload received.') };
  const shaped = readShape(body);
  if (!shaped.ok) return shaped;
  const { message, validate_only: validateOnly = false } = shaped.value as {
    message?: SentMessage;
    validate_only?: boolean;
  };
  if (!message) return { ok: false, response: invalidField('message', 'Message is not set.') };
  const broken = rules.find(({ breaks }) => breaks(message));
  return broken ? { ok: false, response: broken.answer() } : { ok: true, message, validateOnly };
};

const maxTtlSeconds = 2_419_200;
/** "Message sizes", in bytes: half as much for a message to many devices. */
const limitOf = ({ topic, condition }: SentMessage): number =>
  topic === undefined && condition === undefined ? 4096 : 2048;

/** In bytes: the common part and, of the parts for one platform, the largest. A device gets one of those. */
const payloadBytes = ({ data, notification, android, apns, webpush }: SentMessage): number => {
  const ownParts = [
    { android: android?.data, shown: android?.notification },
    { apns: apns?.payload },
    { webpush: webpush?.data, shown: webpush?.notification },
  ];
  return Math.max(...ownParts.map((own) => Buffer.byteLength(JSON.stringify({ data, notification, ...own }))));
};

const targets = ['token', 'fid', 'topic', 'condition'] as const;
const targetsOf = (message: SentMessage) => targets.filter((name) => message[name] !== undefined);

type Rule = { readonly breaks: (message: SentMessage) => boolean; readonly answer: () => Answer };

const rules: readonly Rule[] = [
  {
    breaks: (message) => targetsOf(message).length === 0,
    answer: () => invalidMessage('Recipient of the message is not set.'),
  },
  {
    breaks: (message) => targetsOf(message).length > 1,
    answer: () => invalidField('message', "Invalid value at 'message' (oneof), oneof field 'target' is already set."),
  },
  { breaks: ({ token, fid }) => token === '' || fid === '', answer: fcmAnswers.badtoken },
  {
    breaks: ({ android }) => android?.ttl !== undefined && !/^\d+(?:\.\d{1,9})?s$/.test(android.ttl),
    answer: () =>
      invalidField('message.android.ttl', "Invalid value at 'message.android.ttl' (google.protobuf.Duration)"),
  },
  {
    breaks: ({ android }) => Number.parseFloat(android?.ttl ?? '0') > maxTtlSeconds,
    answer: () => invalidMessage('Invalid TTL: it must be between 0 and 2,419,200 seconds'),
  },
  {
    breaks: ({ data }) => Object.keys(data ?? {}).some(isReserved),
    answer: () => invalidField('message.data', 'Invalid data payload key'),
  },
  {
    // "When sending payloads containing only data fields to iOS devices, only normal priority is allowed"
    breaks: ({ apns: { headers } = {} }) =>
      headers?.['apns-push-type'] === 'background' && (headers['apns-priority'] ?? '5') !== '5',
    answer: () => invalidField('message.apns.headers', 'Invalid apns-priority of a background message'),
  },
  {
    breaks: ({ webpush }) => !/^https:|^$/.test(webpush?.fcm_options?.link ?? ''),
    answer: () => invalidField('message.webpush.fcm_options.link', 'The link must be an HTTPS URL'),
  },
  { breaks: (message) => payloadBytes(message) > limitOf(message), answer: fcmAnswers.toolarge },
];

// "Message.data": `from`, `message_type` and everything that begins with `google.` or `gcm.notification.`. FCM refuses `gcm`
// and `googleid` as well, though its documents do not say so.
const isReserved = (key: string): boolean =>
  ['', 'from', 'message_type', 'gcm', 'googleid'].includes(key) || /^(?:google\.|gcm\.notification\.)/.test(key);
