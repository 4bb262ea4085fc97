import { parseJson } from '../parse-json.ts';

/** A request as it arrived. Header names are lower case. */
export type ApnsRequest = {
  readonly method: string;
  /** As it was sent, percent-encoded. */
  readonly path: string;
  /** The device token, percent-decoded. */
  readonly token: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** The parsed payload, which the device would get. */
export type ApnsPayload = Readonly<Record<string, unknown>>;

type Rules = {
  /** APNs accepts `hex` only; `any` leaves room for a prefix that selects the answer. */
  readonly tokens: 'any' | 'hex';
  /** The topics of the account; if undefined, every topic is allowed. */
  readonly topics: readonly string[] | undefined;
};

type Check = {
  readonly status: number;
  readonly reason: string;
  readonly fails: (request: ApnsRequest, rules: Rules) => boolean;
};

type Checked =
  | { readonly ok: true; readonly payload: ApnsPayload }
  | { readonly ok: false; readonly status: number; readonly reason: string };

/** What APNs finds in a request of an authenticated sender: a payload, or the status and reason of its refusal. */
export const checkRequest = (request: ApnsRequest, rules: Rules): Checked => {
  const failed = checks.find(({ fails }) => fails(request, rules));
  if (failed) return { ok: false, status: failed.status, reason: failed.reason };
  const payload = parseJson(request.body);
  // Apple documents no reason for a payload that is not a JSON object; this is what APNs answers.
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload))
    return { ok: false, status: 400, reason: 'PayloadEmpty' };
  return matchesPushType(pushTypeOf(request), payload as ApnsPayload)
    ? { ok: true, payload: payload as ApnsPayload }
    : { ok: false, status: 400, reason: 'InvalidPushType' };
};

const pushTypeOf = ({ headers }: ApnsRequest): string => headers['apns-push-type'] ?? 'alert';

/** What follows the bundle ID in the topic of each push type. The topic of `mdm` has another form. */
const topicSuffixes: ReadonlyMap<string, string> = new Map([
  ['alert', ''],
  ['background', ''],
  ['complication', '.complication'],
  ['controls', '.push-type.controls'],
  ['fileprovider', '.pushkit.fileprovider'],
  ['liveactivity', '.push-type.liveactivity'],
  ['location', '.location-query'],
  ['mdm', ''],
  ['pushtotalk', '.voip-ptt'],
  ['voip', '.voip'],
  ['widgets', '.push-type.widgets'],
]);

/** In bytes. "Generating a remote notification": 5 KB for a VoIP notification, 4 KB for all others. */
const payloadLimitOf = (pushType: string): number => (pushType === 'voip' ? 5_120 : 4_096);

/** "Sending notification requests to APNs" and "Handling notification responses from APNs", in the order of precedence. */
const checks: readonly Check[] = [
  { status: 405, reason: 'MethodNotAllowed', fails: ({ method }) => method !== 'POST' },
  { status: 404, reason: 'BadPath', fails: ({ path }) => !path.startsWith('/3/device/') },
  { status: 400, reason: 'MissingDeviceToken', fails: ({ token }) => token === '' },
  {
    status: 400,
    reason: 'BadDeviceToken',
    fails: ({ token }, { tokens }) => tokens === 'hex' && !/^(?:[0-9a-f]{2}){8,100}$/i.test(token),
  },
  { status: 400, reason: 'MissingTopic', fails: ({ headers }) => !headers['apns-topic'] },
  { status: 400, reason: 'InvalidPushType', fails: (request) => !topicSuffixes.has(pushTypeOf(request)) },
  {
    status: 400,
    reason: 'TopicDisallowed',
    fails: ({ headers }, { topics }) => topics !== undefined && !topics.includes(headers['apns-topic'] ?? ''),
  },
  {
    status: 400,
    reason: 'BadTopic',
    fails: (request) => {
      const [type, topic] = [pushTypeOf(request), request.headers['apns-topic'] ?? ''];
      return !topic.endsWith(topicSuffixes.get(type) ?? '') || (topic.endsWith('.voip') && type !== 'voip');
    },
  },
  {
    status: 400,
    reason: 'BadPriority',
    fails: (request) => {
      // The default is 10. "Specifying priority 10 for background is an error."
      const priorities = pushTypeOf(request) === 'background' ? /^5$/ : /^(?:1|5|10)$/;
      return !priorities.test(request.headers['apns-priority'] ?? '10');
    },
  },
  {
    status: 400,
    reason: 'BadExpirationDate',
    fails: ({ headers }) => !/^\d{1,15}$/.test(headers['apns-expiration'] ?? '0'),
  },
  {
    status: 400,
    reason: 'BadCollapseId',
    fails: ({ headers }) => Buffer.byteLength(headers['apns-collapse-id'] ?? '') > 64,
  },
  {
    status: 400,
    reason: 'BadMessageId',
    fails: ({ headers: { 'apns-id': id } }) =>
      id !== undefined && !/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(id),
  },
  { status: 400, reason: 'PayloadEmpty', fails: ({ body }) => body === '' || /^\s*\{\s*\}\s*$/.test(body) },
  {
    status: 413,
    reason: 'PayloadTooLarge',
    fails: (request) => Buffer.byteLength(request.body) > payloadLimitOf(pushTypeOf(request)),
  },
];

/**
 * "The value of this header must accurately reflect the contents of your notification's payload. If there's a mismatch,
 * [...] APNs may return an error" (`apns-push-type`)
 */
const matchesPushType = (pushType: string, { aps }: ApnsPayload): boolean => {
  const fields = typeof aps === 'object' && aps !== null ? aps : {};
  const isShown = ['alert', 'badge', 'sound'].some((name) => name in fields);
  if (pushType === 'alert') return isShown;
  return pushType !== 'background' || (!isShown && 'content-available' in fields);
};
