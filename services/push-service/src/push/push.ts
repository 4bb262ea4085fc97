import { refuse } from './category.ts';
import type { ProviderAnswer } from './category.ts';
import { matchProvider } from './match-provider.ts';
import type { Notification } from './notification.ts';
import type { Provider } from './provider.ts';
import type { Refusals } from '../credentials/alerts.ts';
import type { PushServiceMetrics } from '../metrics.ts';

type Deps = {
  readonly providers: readonly Provider[];
  readonly refusals: Pick<Refusals, 'note'>;
  readonly metrics: Pick<PushServiceMetrics, 'providerAnswers'>;
};

/** Hands a notification to the provider that matches it. */
export const createPush =
  ({ providers, refusals, metrics }: Deps) =>
  async (notification: Notification): Promise<ProviderAnswer> => {
    const provider = matchProvider(providers, notification);
    const answer = provider ? await provider.push(notification) : refuse('no_matching_pool');
    if (provider) refusals.note(provider.name, notification, answer);
    const { service: push_service, mode } = notification;
    const pool = provider?.name ?? 'none';
    metrics.providerAnswers.inc({ pool, push_service, mode, category: answer.category });
    return answer;
  };

export type Push = ReturnType<typeof createPush>;
