// The table of reasons, held from both ends: what push-service answers for a category is what the dispatcher reads.
import { describe, expect, it } from 'vitest';
import { bareReasons, categories, categoryTable, pushApiVersions, reasons } from '@pushmesh/contracts';
import type { Category, PushApiVersion } from '@pushmesh/contracts';
import { toVerdict } from '../../services/dispatcher/src/domain/verdict.ts';
import { toApiAnswer } from '../../services/push-service/src/api/api-answer.ts';

/** What the dispatcher makes of the answer to a push that ended with this category and reason. */
const verdictOf = (
  version: PushApiVersion,
  category: Category,
  reason: string,
  service: 'apns' | 'fcm' | 'webpush' = 'fcm',
) => {
  const { status, headers, body } = toApiAnswer(version, category === 'ok' ? { category } : { category, reason });
  const { outcome, isOut = false } = toVerdict(
    { status, headers, body: JSON.parse(body) as unknown },
    { service, options: {} },
  );
  return { outcome, isOutage: isOut };
};

const rowOf = (category: Category) => {
  const { outcome, isOutage } = categoryTable[category];
  return { outcome, isOutage };
};

describe.each(pushApiVersions)('%s', (version) => {
  it.each(categories)('a push that ended as %s has the outcome of its row', (category) => {
    expect(verdictOf(version, category, category)).toEqual(rowOf(category));
  });

  it('nothing that one of the Web Push servers answers is an outage', () => {
    for (const category of categories)
      expect(verdictOf(version, category, category, 'webpush')).toEqual({ ...rowOf(category), isOutage: false });
  });
});

// v3 sends the category, except for third_party_auth and unknown: these it sends as the bare word.
const words = Object.entries(reasons);

it.each(words)('%s has the outcome of its category %s in v3', (word, category) => {
  expect(verdictOf('v3', category, word)).toEqual(rowOf(category));
});

it.each(words)('%s has in v2 the outcome of its category %s, or of the one in bareReasons', (word, category) => {
  const as = Object.entries(bareReasons).find(([each]) => each === word)?.[1].as;
  expect(verdictOf('v2', category, word)).toEqual(rowOf(as ?? category));
});

it('a word that no list has is tried again, and is no outage', () => {
  for (const version of pushApiVersions)
    expect(verdictOf(version, 'unknown', 'SomethingNew')).toEqual({ outcome: 'unavailable', isOutage: false });
});
