import type { Mode, PushService } from '@pushmesh/contracts';
import type { Notification } from './notification.ts';

type Offer = { readonly service: PushService; readonly mode: Mode; readonly tags: readonly string[] };

/**
 * The first provider of the notification's service and mode that has all of its tags: MongoosePush's rule for choosing
 * a pool.
 */
export const matchProvider = <P extends Offer>(
  providers: readonly P[],
  { service, mode, tags }: Notification,
): P | undefined =>
  providers.find(
    (provider) =>
      provider.service === service && provider.mode === mode && tags.every((tag) => provider.tags.includes(tag)),
  );
