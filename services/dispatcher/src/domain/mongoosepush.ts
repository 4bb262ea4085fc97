// What the dispatcher has to know about MongoosePush itself. push-service answers by the table of reasons in
// libs/contracts; MongoosePush classifies some answers differently and others not at all:
// - v1 and v2 answer 500 with the provider's own word in `details` (`api/v2/response_encoder.ex`), and v3 does so for words
//   that MongoosePush does not classify. push-service does the same in v1 and v2, and in v3 for words that only the provider
//   can explain. See `categoryOfBareWord`.
// - It treats the wrong topic of a single user as an outage. See `isTopicOfOneUser`.
// - An empty 500 is its crash over a provider that was slow, and 503 "Please try again later" means that it cannot reach
//   the provider. Neither has a reason word, so the status decides in verdict.ts: both are outages.
import { bareReasons, categories, reasons, wrongTopicReasons } from '@pushmesh/contracts';
import type { Category, Delivery } from '@pushmesh/contracts';

/** What the word of a 500 means. A word that no list has is `unknown`: worth another try, and no outage. */
export const categoryOfBareWord = (word: string): Category => byBareWord.get(word) ?? 'unknown';

const byBareWord: ReadonlyMap<string, Category> = new Map<string, Category>([
  // Where the provider gave no word, the category itself is the word.
  ...categories.filter((category) => category !== 'ok').map((category) => [category, category] as const),
  ...Object.entries(reasons),
  ...Object.entries(bareReasons).map(([word, { as }]) => [word, as] as const),
]);

/**
 * Whether a refusal that looks like an outage is about the topic that one registration asked for: it says nothing about
 * the pushes of others. MongoosePush says `internal_config` for it in v3, and APNs' own word in v2.
 */
export const isTopicOfOneUser = (
  { service, options }: Pick<Delivery, 'service' | 'options'>,
  word: string | undefined,
): boolean =>
  service === 'apns' &&
  Boolean(options['topic']) &&
  word !== undefined &&
  (word === internalConfig || wrongTopicReasons.has(word));

const internalConfig: Category = 'internal_config';
