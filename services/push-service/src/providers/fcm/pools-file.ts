import { Type } from 'typebox';
import type { Static } from 'typebox';
import { commonProperties } from '../settings/pools-file.ts';
import type { PoolsFileSection } from '../settings/pools-file.ts';
import { poolSize } from '../settings/variables.ts';
import { fcmPlatforms } from './platforms.ts';
import { toFcmSettings } from './settings.ts';
import type { FcmSettings } from './settings.ts';
import { fcmQuotaPerMinute, tokenUrlPattern } from './variables.ts';

const Entry = Type.Object(
  {
    ...commonProperties,
    app_file: Type.String({ minLength: 1 }),
    auth_endpoint: Type.Optional(Type.String({ pattern: tokenUrlPattern })),
    platforms: Type.Optional(Type.Array(Type.Enum([...fcmPlatforms]))),
    quota_per_minute: Type.Optional(Type.Integer({ minimum: 1 })),
  },
  { additionalProperties: false },
);
type Entry = Static<typeof Entry>;

/** `fcm` in the pools file. */
export const fcmPoolsFile: PoolsFileSection<FcmSettings> = {
  title: 'FCM projects',
  entry: Entry,
  defaultName: () => 'fcm',
  toSettings: (entry: Entry, name, place) =>
    toFcmSettings({
      name,
      tags: entry.tags ?? [],
      file: place.file('app_file', entry.app_file),
      origin: `https://${entry.endpoint ?? 'fcm.googleapis.com'}`,
      tokenUri: entry.auth_endpoint,
      connections: entry.pool_size ?? poolSize,
      platforms: entry.platforms ?? fcmPlatforms,
      quotaPerMinute: entry.quota_per_minute ?? fcmQuotaPerMinute,
    }),
};
