import { generateKeyPairSync } from 'node:crypto';
import { modes } from '@pushmesh/contracts';
import { readApnsCredentials } from '../providers/apns/credentials.ts';
import type { Loaded } from '../providers/credentials/loaded.ts';
import { parseServiceAccount } from '../providers/fcm/service-account.ts';
import { parseSubscription } from '../providers/web-push/subscription.ts';
import { parseVapidIdentity } from '../providers/web-push/vapid.ts';
import { fcmPlatforms } from '../providers/fcm/platforms.ts';
import type { ConnectionDetails } from '@pushmesh/fakes';
import type { Provider } from '../push/provider.ts';
import type { ApnsSettings } from '../providers/apns/settings.ts';
import type { FcmSettings } from '../providers/fcm/settings.ts';
import { fcmQuotaPerMinute } from '../providers/fcm/variables.ts';
import { openProviders } from '../providers/open.ts';
import type { ProvidersDeps } from '../providers/open.ts';
import { toWebPushSettings } from '../providers/web-push/settings.ts';

/** Per pool. One has room for a hundred pushes at a time. */
const connections = 2;

/** The real providers, with the credentials and addresses of the fakes. */
export const createSandboxProviders = (
  fakes: ConnectionDetails,
  apnsTopic: string,
  deps: Pick<ProvidersDeps, 'log' | 'metrics'>,
) => {
  const pools = [
    ...apnsPools(fakes, apnsTopic),
    ...fcmPools(fakes),
    // The fake listens on the loopback.
    toWebPushSettings(newIdentity(), true),
  ];
  const { providers, resource } = openProviders({ pools, verify: true }, { ...deps, ca: fakes.ca });
  return {
    providers: providers
      // FCM has no modes, so each mode has its own project here, by which the phones can tell.
      .filter(({ service, name, mode }) => service !== 'fcm' || name === `fcm_${mode}`)
      .map((provider) => (provider.service === 'webpush' ? restricted(provider, fakes.webPush.origin) : provider)),
    resource,
  };
};

// What push-service would read from its variables.

const apnsPools = ({ apns }: ConnectionDetails, defaultTopic: string): readonly ApnsSettings[] =>
  modes.map((mode) => ({
    service: 'apns',
    name: `apns_${mode}`,
    mode,
    tags: [],
    defaultTopic,
    endpoint: apns.origins[mode],
    connections,
    loaded: loaded(valid(readApnsCredentials({ type: 'token', ...apns.key })).credentials),
  }));

const fcmPools = ({ fcm }: ConnectionDetails): readonly FcmSettings[] =>
  modes.map((mode) => ({
    service: 'fcm',
    name: `fcm_${mode}`,
    tags: [],
    origin: fcm.origin,
    tokenUri: undefined,
    connections,
    platforms: fcmPlatforms,
    quotaPerMinute: fcmQuotaPerMinute,
    loaded: loaded(valid(parseServiceAccount(fcm.accounts[`sandbox-${mode}`] ?? '')).account),
  }));

const loaded = <C>(credentials: C): Loaded<C> => ({
  digest: '',
  read: { ok: true, credentials, changedAt: Date.now() },
});

const newIdentity = () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return valid(parseVapidIdentity(pem, 'mailto:sandbox@pushmesh.example')).identity;
};

/** The credentials of the fakes are valid; anything else is a bug. */
const valid = <R extends { readonly ok: boolean }>(read: R): Extract<R, { readonly ok: true }> => {
  if (!read.ok) throw new Error(`the credentials of the fakes are invalid: ${JSON.stringify(read)}`);
  return read as Extract<R, { readonly ok: true }>;
};

/** Refuses subscriptions that are not the fake's: a sandbox must not reach a real push service. */
const restricted = (provider: Provider, origin: string): Provider => ({
  ...provider,
  push: async (notification) => {
    const read = parseSubscription(notification.device_id);
    if (read.ok && read.subscription.endpoint.origin !== origin)
      return { category: 'invalid_request', reason: 'endpoint_not_of_the_sandbox' };
    return provider.push(notification);
  },
});
