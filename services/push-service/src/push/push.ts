import type { PushServiceMetrics } from '../metrics.ts';
import { refuse } from './category.ts';
import type { ProviderAnswer } from './category.ts';
import type { CredentialAlerts } from './credential-alerts.ts';
import { matchProvider } from './match-provider.ts';
import type { Notification } from './notification.ts';
import type { Provider } from './provider.ts';

type Deps = {
  readonly providers: readonly Provider[];
  readonly alerts: Pick<CredentialAlerts, 'note'>;
  readonly metrics: Pick<PushServiceMetrics, 'providerAnswers'>;
};

/** The use case: hands a notification to the provider that matches it, and gives back what came of the push. */
export const createPush =
  ({ providers, alerts, metrics }: Deps) =>
  async (notification: Notification): Promise<ProviderAnswer> => {
    const provider = matchProvider(providers, notification);
    const answer = provider ? await provider.push(notification) : refuse('no_matching_pool');
    if (provider) alerts.note(provider.name, notification, answer);
    const { service: push_service, mode } = notification;
    const pool = provider?.name ?? 'none';
    metrics.providerAnswers.inc({ pool, push_service, mode, category: answer.category });
    return answer;
  };

export type Push = ReturnType<typeof createPush>;
