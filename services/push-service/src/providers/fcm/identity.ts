import type { PoolIdentity } from '../module.ts';
import type { FcmSettings } from './settings.ts';

/** Device tokens belong to a project. */
export const fcmIdentityOf = ({
  tags,
  connections,
  origin,
  tokenUri,
  platforms,
  quotaPerMinute,
  loaded: { read },
}: FcmSettings): PoolIdentity => ({
  app: read.ok ? { project: read.credentials.projectId } : {},
  fixed: {
    tags: JSON.stringify(tags.toSorted()),
    pool_size: connections,
    endpoint: origin,
    auth_endpoint: tokenUri,
    platforms: platforms.toSorted().join(),
    quota_per_minute: quotaPerMinute,
  },
});
