import { apnsPayloadLimits } from '../../../../services/push-service/src/providers/apns/message.ts';
import { parseJson } from '../../../../services/push-service/src/push/parse-json.ts';

/** A request as it came in; header names are lower case. */
export type ApnsRequest = {
  readonly method: string;
  /** As it was sent, before the device token is read out of it. */
  readonly path: string;
  /** The device token, percent-decoded. */
  readonly token: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** What a phone would get: the parsed payload. */
export type ApnsPayload = Readonly<Record<string, unknown>>;

type Rules = {
  /** `hex` as the real ones are; `any` lets a token choose what happens to it. */
  readonly tokens: 'any' | 'hex';
  /** The topics of the account; any when absent. */
  readonly topics: readonly string[] | undefined;
};

type Check = {
  readonly status: number;
  readonly reason: string;
  readonly fails: (request: ApnsRequest, rules: Rules) => boolean;
};

/** What the topic of each push type ends in, after the bundle ID; of `mdm` it is another word altogether. */
const topicEnds: ReadonlyMap<string, string> = new Map([
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
const typeOf = ({ headers }: ApnsRequest) => headers['apns-push-type'] ?? 'alert';
const limitOf = (type: string): number => (type === 'voip' ? apnsPayloadLimits.voip : apnsPayloadLimits.alert);

/** "Sending notification requests to APNs" and "Handling notification responses from APNs", in the order in which APNs notices. */
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
  { status: 400, reason: 'InvalidPushType', fails: (request) => !topicEnds.has(typeOf(request)) },
  {
    status: 400,
    reason: 'TopicDisallowed',
    fails: ({ headers }, { topics }) => topics !== undefined && !topics.includes(headers['apns-topic'] ?? ''),
  },
  {
    status: 400,
    reason: 'BadTopic',
    fails: (request) => {
      const [type, topic] = [typeOf(request), request.headers['apns-topic'] ?? ''];
      return !topic.endsWith(topicEnds.get(type) ?? '') || (topic.endsWith('.voip') && type !== 'voip');
    },
  },
  {
    status: 400,
    reason: 'BadPriority',
    fails: (request) => {
      // Priority 10 is what an absent one means, and an error for background.
      const priorities = typeOf(request) === 'background' ? /^5$/ : /^(?:1|5|10)$/;
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
    fails: (request) => Buffer.byteLength(request.body) > limitOf(typeOf(request)),
  },
];

type Judged =
  | { readonly ok: true; readonly payload: ApnsPayload }
  | { readonly ok: false; readonly status: number; readonly reason: string };

/** What APNs would say to this request of somebody whom it knows. */
export const judge = (request: ApnsRequest, rules: Rules): Judged => {
  const failed = checks.find(({ fails }) => fails(request, rules));
  if (failed) return { ok: false, status: failed.status, reason: failed.reason };
  const payload = parseJson(request.body);
  // No word of Apple's is documented for a payload that is no JSON object; this is what it answers.
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload))
    return { ok: false, status: 400, reason: 'PayloadEmpty' };
  return isOfType(typeOf(request), payload as ApnsPayload)
    ? { ok: true, payload: payload as ApnsPayload }
    : { ok: false, status: 400, reason: 'InvalidPushType' };
};

/** "The value must accurately reflect the contents of your notification’s payload. If there’s a mismatch, APNs may return an error" */
const isOfType = (type: string, { aps }: ApnsPayload): boolean => {
  const fields = typeof aps === 'object' && aps !== null ? aps : {};
  const isShown = ['alert', 'badge', 'sound'].some((name) => name in fields);
  if (type === 'alert') return isShown;
  return type !== 'background' || (!isShown && 'content-available' in fields);
};
