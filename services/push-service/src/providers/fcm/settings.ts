import type { Problem } from '@pushmesh/config';
import { digestOf } from '../credentials/loaded.ts';
import type { Loaded } from '../credentials/loaded.ts';
import { readNamedFile } from '../credentials/named-file.ts';
import type { NamedFile } from '../credentials/named-file.ts';
import { requiredFile } from '../settings/required-variable.ts';
import { fcmPlatforms } from './platforms.ts';
import type { FcmPlatform } from './platforms.ts';
import { parseServiceAccount } from './service-account.ts';
import type { ServiceAccount } from './service-account.ts';
import type { FcmValues } from './variables.ts';

/** One Firebase project. */
export type FcmSettings = {
  readonly service: 'fcm';
  readonly name: string;
  readonly tags: readonly string[];
  readonly loaded: Loaded<ServiceAccount>;
  /** The origin of FCM. */
  readonly origin: string;
  /** The token endpoint, if another than the one that the service account names. */
  readonly tokenUri: string | undefined;
  readonly connections: number;
  readonly platforms: readonly FcmPlatform[];
  readonly quotaPerMinute: number;
};

/** A pool whose service account has not been read yet. */
type Declared = Omit<FcmSettings, 'service' | 'loaded'> & { readonly file: NamedFile };

/** The settings of a pool, with its service account as the file holds it now. */
export const toFcmSettings = ({ file, ...pool }: Declared): FcmSettings => ({
  service: 'fcm',
  ...pool,
  loaded: loadServiceAccount(file),
});

const loadServiceAccount = (file: NamedFile): Loaded<ServiceAccount> => {
  const text = readNamedFile(file);
  const digest = digestOf([text.digested]);
  if (!text.ok) return { digest, read: { ok: false, problems: [text.problem] } };
  const parsed = parseServiceAccount(text.text);
  if (parsed.ok) return { digest, read: { ok: true, credentials: parsed.account, changedAt: text.changedAt } };
  const problem = { variable: file.namedBy, why: `${file.path} is not a service account key: ${parsed.problem}` };
  return { digest, read: { ok: false, problems: [problem] } };
};

/** The one project that the variables configure. */
export const readFcmPools = (values: FcmValues, problems: Problem[]): readonly FcmSettings[] => {
  const file = requiredFile(values, 'PUSH_FCM_APP_FILE', { problems, because: 'PUSH_FCM_ENABLED is true' });
  const platforms = values.PUSH_FCM_PLATFORMS.split(',').filter((each) => each !== '');
  const known = fcmPlatforms.filter((each) => platforms.includes(each));
  if (known.length < platforms.length)
    problems.push({ variable: 'PUSH_FCM_PLATFORMS', why: `expected some of ${fcmPlatforms.join(', ')}` });
  if (!file) return [];
  const pool = toFcmSettings({
    name: 'fcm',
    tags: [],
    file,
    origin: `https://${values.PUSH_FCM_ENDPOINT}:${values.PUSH_FCM_PORT}`,
    tokenUri: values.FCM_AUTH_ENDPOINT,
    connections: values.PUSH_FCM_POOL_SIZE,
    platforms: known,
    quotaPerMinute: values.PUSH_FCM_QUOTA_PER_MINUTE,
  });
  return [pool];
};
