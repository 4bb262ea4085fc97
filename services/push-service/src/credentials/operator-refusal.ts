import type { ProviderAnswer } from '../push/category.ts';
import { findings } from '../providers/credentials/finding.ts';
import { findingOfReason } from '../providers/credentials/judge.ts';

/** Of these no caller can do anything: only the operator, who has to be told. */
const lookAt = {
  auth: 'the credentials of this pool; npm run check-credentials tries them out',
  third_party_auth:
    'the keys for Apple and for Web Push that the Firebase project has (its settings, Cloud Messaging); Android is not concerned',
  internal_config: 'the settings of this pool: its topic, its endpoint, its project',
  invalid_request: 'the default topic of this pool: it has none, and this push named none',
  unknown: 'what the push service says about this reason, which is none that push-service knows',
} as const;

/** An answer that is about our credentials or settings, not about the push. */
export type OperatorRefusal = ProviderAnswer & { readonly category: keyof typeof lookAt };

export const isForOperator = (answer: ProviderAnswer): answer is OperatorRefusal =>
  answer.category === 'invalid_request' ? answer.reason === 'MissingTopic' : Object.hasOwn(lookAt, answer.category);

/** What an operator should look at, in words. */
export const whatToLookAt = ({ category, reason }: OperatorRefusal): string => {
  const finding = findingOfReason(reason);
  const row = finding && findings[finding];
  return row?.verdict === 'refused' ? row.words : lookAt[category];
};
