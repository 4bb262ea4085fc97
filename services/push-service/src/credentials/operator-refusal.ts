import type { PushService } from '@pushmesh/contracts';
import { moduleOf } from '../providers/registry.ts';
import type { ProviderAnswer, Refusal } from '../push/category.ts';

/** A caller can do nothing about these. Only the operator can, and must be told. */
const lookAt: Readonly<Partial<Record<Refusal, string>>> = {
  auth: 'the credentials of this pool; npm run check-credentials tries them out',
  third_party_auth:
    'the keys for Apple and for Web Push that the Firebase project has (its settings, Cloud Messaging); Android is not concerned',
  internal_config: 'the settings of this pool: its topic, its endpoint, its project',
  unknown: 'what the push service says about this reason, which push-service does not know',
};

/**
 * What the operator should look at, in words; `undefined` if the answer is about the push, not about our credentials or
 * settings.
 */
export const whatToLookAt = (service: PushService, answer: ProviderAnswer): string | undefined => {
  if (answer.category === 'ok') return undefined;
  const { operatorReasons, findingOfReason } = moduleOf(service);
  if (answer.category === 'invalid_request') return operatorReasons.get(answer.reason);
  const words = lookAt[answer.category];
  const finding = words === undefined ? undefined : findingOfReason(answer.reason);
  return finding?.verdict === 'refused' ? finding.meaning : words;
};
