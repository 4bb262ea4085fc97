import { Type } from 'typebox';
import type { Static } from 'typebox';
import { modes, pushServices } from './topology.ts';
import type { Mode, PushService } from './topology.ts';

/**
 * The publish-options form as a flat record, as the client put it into `<enable/>` and its server repeats it in each
 * publish (XEP-0357 §5). Unknown fields are kept.
 */
export const Options = Type.Record(Type.String(), Type.String());
export type Options = Static<typeof Options>;

/** The options that say where a push goes, checked. */
export type Device = { readonly service: PushService; readonly mode: Mode; readonly deviceId: string };

/** Most octets of a device token: several times what any push service gives out. */
const maxDeviceIdBytes = 4_096;

/** What is wrong with the options, in words for the stanza error; no value of the form is quoted. */
export type OptionsFault = { readonly why: string };

/**
 * Reads where to push. `service` and `device_id` are required and not empty; the seed guide’s `device` is an alias;
 * `mode` is `prod` unless it says `dev` (MongoosePush HTTP API, "mode").
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
  return { service, mode, deviceId };
};
