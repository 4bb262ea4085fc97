import { Type } from 'typebox';
import type { Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { modes, pushServices } from './topology.ts';
import type { Mode, PushService } from './topology.ts';

/**
 * The publish-options form as a flat record. The client puts it into `<enable/>`, and its server repeats it in each publish
 * (XEP-0357 §5). Unknown fields are kept.
 */
export const Options = Type.Record(Type.String(), Type.String());
export type Options = Static<typeof Options>;

/** The options that say where a push goes, checked. */
export type Device = { readonly service: PushService; readonly mode: Mode; readonly deviceId: string };

/** The most octets of a device token: several times what any push service issues, browser subscriptions included. */
const maxDeviceIdBytes = 4_096;

/** What is wrong with the options, in words for their sender; no value of the form is quoted. */
export type OptionsFault = { readonly why: string };

/**
 * Reads where to push. `service` and `device_id` are required and not empty; `device` is an alias, as in the MongooseIM guide;
 * `mode` is `prod` unless it says `dev` (MongoosePush HTTP API, "mode"). With `webpush` the device id is the JSON text of a
 * subscription (W3C Push API, `PushSubscription.toJSON`).
 */
export const deviceOf = (options: Options): Device | OptionsFault => {
  const service = pushServices.find((each) => each === options['service']);
  const deviceId = options['device_id'] || options['device'];
  const mode = modes.find((each) => each === (options['mode'] || 'prod'));
  if (!options['service'] || !deviceId) return { why: 'publish-options must hold service and device_id' };
  if (Buffer.byteLength(deviceId) > maxDeviceIdBytes)
    return { why: `publish-options: device_id must have at most ${maxDeviceIdBytes} octets` };
  if (!service) return { why: `publish-options: service must be one of ${pushServices.join(', ')}` };
  if (!mode) return { why: `publish-options: mode must be one of ${modes.join(', ')}` };
  if (service === 'webpush' && !isSubscription(deviceId)) return { why: `publish-options: ${subscriptionWanted}` };
  return { service, mode, deviceId };
};

const subscriptionWanted =
  'with service webpush, device_id must be the JSON text of a subscription: {"endpoint":"https://…","keys":{"p256dh":"…","auth":"…"}}';

const endpoint = Type.String({ pattern: '^https://' });
const keys = { p256dh: Type.String({ minLength: 1 }), auth: Type.String({ minLength: 1 }) };
/** The keys are in an object of their own, or beside the endpoint. */
const subscriptions = Compile(
  Type.Union([Type.Object({ endpoint, keys: Type.Object(keys) }), Type.Object({ endpoint, ...keys })]),
);

/**
 * Whether it looks like a subscription. Only push-service checks host and keys: what it refuses is parked, and costs no
 * registration.
 */
const isSubscription = (text: string): boolean => {
  try {
    return subscriptions.Check(JSON.parse(text));
  } catch {
    return false;
  }
};
