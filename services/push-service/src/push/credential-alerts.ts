import type { ProviderAnswer } from './category.ts';
import type { Notification } from './notification.ts';

/** Tells the operator about pushes that are refused for our credentials or settings. */
export type CredentialAlerts = {
  /** Takes note of what came of a push that the pool of this name took. */
  readonly note: (pool: string, notification: Notification, answer: ProviderAnswer) => void;
  /** Why the pool's credentials were refused, if they have not been accepted since: the push service's word. */
  readonly reasonFor: (pool: string) => string | undefined;
};
