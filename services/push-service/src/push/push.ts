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
  readonly metrics: Pick<PushServiceMetrics, 'providerAnswers' | 'lastSuccess'>;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
};

/** The use case: hands a notification to the provider that matches it, and gives back what came of the push. */
export const createPush = ({ providers, alerts, metrics, clock }: Deps) => {
  const lastSuccess = new Map(providers.map(({ name }) => [name, metrics.lastSuccess.labels({ pool: name })]));
  return async (notification: Notification): Promise<ProviderAnswer> => {
    const provider = matchProvider(providers, notification);
    const answer = provider ? await provider.push(notification) : refuse('no_matching_pool');
    if (provider) alerts.note(provider.name, notification, answer);
    const { service: push_service, mode } = notification;
    const pool = provider?.name ?? 'none';
    if (answer.category === 'ok') lastSuccess.get(pool)?.set(clock() / 1000);
    metrics.providerAnswers.inc({ pool, push_service, mode, category: answer.category });
    return answer;
  };
};

export type Push = ReturnType<typeof createPush>;
