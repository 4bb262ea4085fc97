import { Type } from 'typebox';
import type { Static, TObject } from 'typebox';
import { flag, path, poolSizeOf } from '../settings/variables.ts';
import { fcmPlatforms } from './platforms.ts';

// Those of MongoosePush's container (`config/prod.exs`), so that its users can switch without new names, and ours.

/** The whole URL of a token endpoint: a form that is posted to a host alone, or without TLS, gets no token. */
export const tokenUrlPattern = '^https://[^/?#\\s]+/[^\\s]+$';

/** "Firebase Cloud Messaging: quotas and limits": what a project has unless it asked for more. */
export const fcmQuotaPerMinute = 600_000;

export const fcmVariables = {
  PUSH_FCM_ENABLED: flag('whether pushes go to FCM'),
  PUSH_FCM_APP_FILE: path("the path of the service account's JSON key", '/run/secrets/fcm.json'),
  PUSH_FCM_ENDPOINT: Type.String({
    default: 'fcm.googleapis.com',
    pattern: '^[A-Za-z0-9.-]+$',
    description: 'the host of FCM',
    examples: ['fcm.googleapis.com'],
  }),
  PUSH_FCM_PORT: Type.Integer({
    default: 443,
    minimum: 1,
    maximum: 65535,
    description: 'the port of FCM',
    examples: [443],
  }),
  PUSH_FCM_POOL_SIZE: poolSizeOf('FCM'),
  PUSH_FCM_PLATFORMS: Type.String({
    default: fcmPlatforms.join(','),
    description: 'the platforms besides Android that the app exists on, of `apns` and `webpush`, separated by commas',
    examples: ['apns'],
  }),
  PUSH_FCM_QUOTA_PER_MINUTE: Type.Integer({
    default: fcmQuotaPerMinute,
    minimum: 1,
    description: 'the messages per minute that Google grants the project; only the metric uses it',
    examples: [fcmQuotaPerMinute],
  }),
  FCM_AUTH_ENDPOINT: Type.Optional(
    Type.String({
      pattern: tokenUrlPattern,
      description: 'a token endpoint other than the one that the key names: the whole URL, with https:// and its path',
      examples: ['https://oauth2.googleapis.com/token'],
    }),
  ),
};

export type FcmValues = Readonly<Record<string, unknown>> & Static<TObject<typeof fcmVariables>>;
