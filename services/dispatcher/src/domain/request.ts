import { isCall } from '@pushmesh/contracts';
import type { Alert, Delivery, Options, PushService, RequestV3, Summary } from '@pushmesh/contracts';
import type { DispatcherConfig } from '../config.ts';

/** How requests are written: the variables PUSH_API_VERSION, PUSH_API_FCM_DEV and FALLBACK_TEXT. */
export type RequestStyle = {
  readonly version: DispatcherConfig['PUSH_API_VERSION'];
  readonly fcmDev: boolean;
  readonly fallbackText: string;
};

/** Fields that are `undefined` are left out in JSON: the API refuses nulls. */
type OrUndefined<T> = { readonly [K in keyof T]: T[K] | undefined };

/** A request of the MongoosePush API; v2 and v3 differ only in the path. */
export type PushRequest = {
  readonly version: RequestStyle['version'];
  readonly deviceId: string;
  readonly body: OrUndefined<Omit<RequestV3, 'alert'>> & { readonly alert?: OrUndefined<Alert> };
};

/**
 * Maps a delivery onto the push API as MongooseIM's `mod_push_service_mongoosepush` does. A value for which the API would
 * refuse the whole push (a `priority` of "10") is left out: the push matters more than the hint. `now`, in milliseconds
 * since 1970, reduces the `time_to_live` to what is left of it.
 */
export const toPushRequest = (delivery: Delivery, style: RequestStyle, now: number): PushRequest => ({
  version: style.version,
  deviceId: delivery.deviceId,
  body: toBody(delivery, style, now),
});

const toBody = (delivery: Delivery, style: RequestStyle, now: number): PushRequest['body'] => {
  const { options, service } = delivery;
  const hints = {
    mode: modeOf(delivery, style),
    topic: topicOf(delivery),
    priority: oneOf(options['priority'], ['normal', 'high'] as const),
    mutable_content: booleanOf(options['mutable_content']),
    time_to_live: timeToLiveOf(delivery, now),
  };
  return isSilent(delivery)
    ? { service, ...hints, data: toData(delivery.summary, service) }
    : { service, ...hints, alert: toAlert(delivery, style) };
};

/**
 * The option `silent` asks for it, or there is nothing to show: servers publish without text for chat states, receipts and
 * the like, and for those the app is woken without a notification. The app itself shows a call, and needs its data.
 */
const isSilent = ({ options, summary }: Delivery): boolean =>
  booleanOf(options['silent']) === true || summary.lastMessageBody === undefined || isCall(summary);

const toAlert = ({ options, summary }: Delivery, { fallbackText }: RequestStyle): OrUndefined<Alert> => ({
  title: summary.lastMessageSender ?? fallbackText,
  body: summary.lastMessageBody ?? fallbackText,
  tag: summary.lastMessageSender,
  // A server that does not count (ejabberd) means one message, as Prosody and older versions of MongooseIM say explicitly.
  badge: summary.messageCount ?? 1,
  click_action: filled(options['click_action']),
  sound: filled(options['sound']),
});

/**
 * The summary as data. FCM takes only strings, and refuses a message with a reserved name; APNs gets the counts as numbers,
 * as MongooseIM sends them.
 */
const toData = (summary: Summary, service: PushService): Record<string, unknown> => {
  const toFcm = service === 'fcm';
  const others = Object.entries(summary.otherFields ?? {}).filter(([name]) => !(toFcm && isReservedByFcm(name)));
  const count = (value: number | undefined) => (value === undefined || !toFcm ? value : String(value));
  return {
    ...Object.fromEntries(others),
    'message-count': count(summary.messageCount),
    'last-message-sender': summary.lastMessageSender,
    'last-message-body': summary.lastMessageBody,
    'pending-subscription-count': count(summary.pendingSubscriptionCount),
  };
};

/** `message.data` of FCM HTTP v1: one such name makes FCM refuse the whole message. */
const isReservedByFcm = (name: string): boolean =>
  /^(?:|from|message_type|gcm|googleid|google\..*|gcm\..*)$/s.test(name);

const modeOf = ({ service, mode, options }: Delivery, { fcmDev }: RequestStyle) =>
  options['mode'] === undefined || (service === 'fcm' && mode === 'dev' && !fcmDev) ? undefined : mode;

/** Seconds. A push that waited for the push API has less time left; 0 stays 0, which asks for one try without storing. */
const timeToLiveOf = ({ options, expiresAt }: Delivery, now: number): number | undefined => {
  const given = int32Of(options['time_to_live']);
  return given === undefined ? undefined : Math.min(given, Math.max(1, Math.ceil((expiresAt - now) / 1_000)));
};

const topicOf = ({ options }: { readonly options: Options }) => filled(options['topic']);

const filled = (value: string | undefined): string | undefined => value || undefined;

const oneOf = <const T extends string>(value: string | undefined, allowed: readonly T[]): T | undefined =>
  allowed.find((each) => each === value);

/** Data forms have two spellings of a boolean (XEP-0004 §3.3). */
const booleanOf = (value: string | undefined): boolean | undefined => {
  if (value === 'true' || value === '1') return true;
  return value === 'false' || value === '0' ? false : undefined;
};

const int32Of = (value: string | undefined): number | undefined =>
  value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) : undefined;
