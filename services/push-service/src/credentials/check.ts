import { toReport } from './check-report.ts';
import type { CheckedPool } from './check-report.ts';
import type { PoolSettings, ProviderSettings } from '../providers/settings/settings.ts';
import type { TryOut } from '../providers/try-out.ts';
import type { WebPushSettings } from '../providers/web-push/settings.ts';

type Deps = {
  readonly settings: ProviderSettings;
  readonly tryOut: TryOut;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
};

/** Tries out the credentials of every pool, and says what came of it. Nothing reaches a device. */
export const checkCredentials = async ({ settings: { fcm, apns, webPush }, tryOut, clock }: Deps) => {
  const checked = await Promise.all([...fcm, ...apns].map((pool) => check(pool, tryOut)));
  return toReport([...checked.filter((each) => each !== undefined), ...(webPush ? [ofWebPush(webPush)] : [])], clock());
};

/** What can be said of it without a push service was looked at when it was read. */
const ofWebPush = ({ identity: { subject, publicKey } }: WebPushSettings): CheckedPool => ({
  name: 'webpush',
  what: `Web Push, ${subject}, applicationServerKey ${publicKey}`,
  finding: 'vapid_fine',
  skewMs: undefined,
  foundAt: undefined,
  expiresAt: undefined,
});

const check = async (pool: PoolSettings, tryOut: TryOut): Promise<CheckedPool | undefined> => {
  const { read } = pool.loaded;
  const tried = await tryOut(pool);
  // Those that cannot be read are problems of the configuration, which were told before.
  if (!read.ok || tried.type === 'unreadable') return undefined;
  const { finding, skewMs, foundAt } = tried;
  return { name: pool.name, what: whatOf(pool), finding, skewMs, foundAt, expiresAt: read.expiresAt };
};

const whatOf = (pool: PoolSettings): string => {
  const { read } = pool.loaded;
  if (pool.service === 'fcm')
    return `FCM, project ${read.ok && 'projectId' in read.credentials ? read.credentials.projectId : ''} at ${pool.origin}`;
  return `APNs, ${pool.mode}, topic ${pool.defaultTopic ?? 'none'} at ${pool.endpoint}`;
};
