import { generateKeyPairSync } from 'node:crypto';
import { modes } from '@pushmesh/contracts';
import { readApnsCredentials } from '../providers/apns/credentials.ts';
import type { Loaded } from '../providers/credentials/loaded.ts';
import { parseServiceAccount } from '../providers/fcm/service-account.ts';
import { parseSubscription } from '../providers/web-push/subscription.ts';
import { parseVapidIdentity } from '../providers/web-push/vapid.ts';
import { fcmPlatforms } from '../providers/fcm/platforms.ts';
import type { KnownOfFakes } from '../fakes/fakes.ts';
import type { Provider } from '../push/provider.ts';
import type { ApnsSettings } from '../providers/apns/settings.ts';
import type { FcmSettings } from '../providers/fcm/settings.ts';
import { fcmQuotaPerMinute } from '../providers/fcm/variables.ts';
import { openProviders } from '../providers/open.ts';
import type { ProvidersDeps } from '../providers/open.ts';
import { toWebPushSettings } from '../providers/web-push/settings.ts';

/** Both ends of each are in this process, and a hundred pushes at a time fit on one. */
const connections = 2;

/** The providers as they are in service, with the credentials and addresses of the fakes. */
export const createSandboxProviders = (
  known: KnownOfFakes,
  apnsTopic: string,
  deps: Pick<ProvidersDeps, 'log' | 'metrics'>,
) => {
  const pools = [
    ...apnsPools(known, apnsTopic),
    ...fcmPools(known),
    // The fake listens on the loopback.
    toWebPushSettings(newIdentity(), true),
  ];
  const { providers, resource } = openProviders({ pools, verify: true }, { ...deps, ca: known.ca });
  return {
    providers: providers
      // FCM knows no modes, so each has a project of its own here: the phones tell which it was.
      .filter(({ service, name, mode }) => service !== 'fcm' || name === `fcm_${mode}`)
      .map((provider) => (provider.service === 'webpush' ? guarded(provider, known.webPush.origin) : provider)),
    resource,
  };
};

// What the variables say in service.

const apnsPools = ({ apns }: KnownOfFakes, defaultTopic: string): readonly ApnsSettings[] =>
  modes.map((mode) => ({
    service: 'apns',
    name: `apns_${mode}`,
    mode,
    tags: [],
    defaultTopic,
    endpoint: apns.origins[mode],
    connections,
    loaded: loaded(sound(readApnsCredentials({ type: 'token', ...apns.key })).credentials),
  }));

const fcmPools = ({ fcm }: KnownOfFakes): readonly FcmSettings[] =>
  modes.map((mode) => ({
    service: 'fcm',
    name: `fcm_${mode}`,
    tags: [],
    origin: fcm.origin,
    tokenUri: undefined,
    connections,
    platforms: fcmPlatforms,
    quotaPerMinute: fcmQuotaPerMinute,
    loaded: loaded(sound(parseServiceAccount(fcm.accounts[`sandbox-${mode}`] ?? '')).account),
  }));

const loaded = <C>(credentials: C): Loaded<C> => ({
  digest: '',
  read: { ok: true, credentials, changedAt: Date.now() },
});

const newIdentity = () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return sound(parseVapidIdentity(pem, 'mailto:sandbox@pushmesh.example')).identity;
};

/** Those of the fakes always are. */
const sound = <R extends { readonly ok: boolean }>(read: R): Extract<R, { readonly ok: true }> => {
  if (!read.ok) throw new Error(`the fakes have credentials that cannot be used: ${JSON.stringify(read)}`);
  return read as Extract<R, { readonly ok: true }>;
};

/** Pushes to the subscriptions of the fake alone: whoever has another one is not to be reached from a sandbox. */
const guarded = (provider: Provider, origin: string): Provider => ({
  ...provider,
  push: async (notification) => {
    const read = parseSubscription(notification.device_id);
    if (read.ok && read.subscription.endpoint.origin !== origin)
      return { category: 'invalid_request', reason: 'endpoint_not_of_the_sandbox' };
    return provider.push(notification);
  },
});
