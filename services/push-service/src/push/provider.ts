import type { Mode, PushService } from '@pushmesh/contracts';
import type { ProviderAnswer } from './category.ts';
import type { Notification } from './notification.ts';

/** One push service in one mode: FCM, APNs, or the Web Push services that subscriptions name. */
export type Provider = {
  /** The pool that it belongs to, as the configuration names it; one pool may serve both modes. */
  readonly name: string;
  readonly service: PushService;
  readonly mode: Mode;
  /** A request with tags goes only to a provider that has all of them. */
  readonly tags: readonly string[];
  /** Refusals, timeouts and lost connections are answers; a throw is a bug. */
  push(notification: Notification): Promise<ProviderAnswer>;
  /** The connections that are kept to the push service. */
  connections(): { readonly connected: number; readonly disconnected: number };
};
