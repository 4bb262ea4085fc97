import type { Answer } from '../http2-reply.ts';
import { invalidField } from './answers.ts';

// FCM HTTP v1, "Message": all fields and their types. Google refuses other fields.

type Shape =
  | 'string'
  | 'bool'
  | 'number'
  | 'strings'
  | 'struct'
  | 'list'
  | readonly string[]
  | { readonly [field: string]: Shape };

const analytics = { analytics_label: 'string' } as const;

const androidNotification = {
  ...Object.fromEntries(
    ['title', 'body', 'icon', 'color', 'sound', 'tag', 'click_action', 'body_loc_key', 'title_loc_key', 'channel_id']
      .concat(['ticker', 'event_time', 'image'])
      .map((name) => [name, 'string'] as const),
  ),
  ...Object.fromEntries(
    ['sticky', 'local_only', 'default_sound', 'default_vibrate_timings', 'default_light_settings']
      .concat(['bypass_proxy_notification'])
      .map((name) => [name, 'bool'] as const),
  ),
  body_loc_args: 'list',
  title_loc_args: 'list',
  vibrate_timings: 'list',
  light_settings: 'struct',
  notification_count: 'number',
  notification_priority: [
    'PRIORITY_UNSPECIFIED',
    'PRIORITY_MIN',
    'PRIORITY_LOW',
    'PRIORITY_DEFAULT',
    'PRIORITY_HIGH',
    'PRIORITY_MAX',
  ],
  visibility: ['VISIBILITY_UNSPECIFIED', 'PRIVATE', 'PUBLIC', 'SECRET'],
  proxy: ['PROXY_UNSPECIFIED', 'ALLOW', 'DENY', 'IF_PRIORITY_LOWERED'],
} satisfies Shape;

const request: Shape = {
  validate_only: 'bool',
  message: {
    name: 'string',
    token: 'string',
    fid: 'string',
    topic: 'string',
    condition: 'string',
    data: 'strings',
    notification: { title: 'string', body: 'string', image: 'string' },
    fcm_options: analytics,
    android: {
      collapse_key: 'string',
      priority: ['NORMAL', 'HIGH'],
      ttl: 'string',
      restricted_package_name: 'string',
      data: 'strings',
      notification: androidNotification,
      fcm_options: analytics,
      direct_boot_ok: 'bool',
      bandwidth_constrained_ok: 'bool',
      restricted_satellite_ok: 'bool',
    },
    apns: {
      headers: 'strings',
      payload: 'struct',
      live_activity_token: 'string',
      fcm_options: { ...analytics, image: 'string' },
    },
    webpush: {
      headers: 'strings',
      data: 'strings',
      notification: 'struct',
      fcm_options: { ...analytics, link: 'string' },
    },
  },
};

type Shaped = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly response: Answer };

/**
 * The request with its field names in snake case and its enums in upper case, or the refusal of the first field that does
 * not exist or has the wrong type.
 */
export const readShape = (body: unknown): Shaped => read(request, body, []);

const read = (shape: Shape, value: unknown, path: readonly string[]): Shaped => {
  if (typeof shape === 'string') return holds[shape](value) ? { ok: true, value } : wrongValue(shape, path, value);
  if (isEnum(shape)) {
    // Firebase's own examples write `"priority": "high"`.
    const word = String(value).toUpperCase();
    return shape.includes(word) ? { ok: true, value: word } : wrongValue('enum', path, value);
  }
  if (!isObject(value)) return wrongValue('message', path, value);
  const found: Record<string, unknown> = {};
  for (const [name, each] of Object.entries(value)) {
    const field = Object.hasOwn(shape, name) ? name : snakeCase(name);
    const known = Object.hasOwn(shape, field) ? shape[field] : undefined;
    if (known === undefined) return unknownName(name, path);
    const result = read(known, each, [...path, name]);
    if (!result.ok) return result;
    found[field] = result.value;
  }
  return { ok: true, value: found };
};

const isEnum = (shape: Exclude<Shape, string>): shape is readonly string[] => Array.isArray(shape);
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const holds: Readonly<Record<Extract<Shape, string>, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  bool: (value) => typeof value === 'boolean',
  number: (value) => typeof value === 'number',
  strings: (value) => isObject(value) && Object.values(value).every((each) => typeof each === 'string'),
  struct: isObject,
  list: Array.isArray,
};

// The JSON form of protocol buffers accepts both spellings of a name ("ProtoJSON Format").
const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const unknownName = (name: string, path: readonly string[]): Shaped => {
  const at = path.length > 0 ? ` at '${path.join('.')}'` : '';
  const message = `Invalid JSON payload received. Unknown name "${name}"${at}: Cannot find field.`;
  return { ok: false, response: invalidField(path.join('.'), message) };
};

const wrongValue = (type: string, path: readonly string[], value: unknown): Shaped => ({
  ok: false,
  response: invalidField(path.join('.'), `Invalid value at '${path.join('.')}' (${type}), ${typeof value}`),
});
