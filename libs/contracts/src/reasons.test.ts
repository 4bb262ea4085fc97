import { expect, it } from 'vitest';
import {
  apnsReasons,
  bareReasons,
  categories,
  categoryTable,
  fcmReasons,
  oauthReasons,
  webPushReasons,
} from './index.ts';

it('the v3 status alone determines the outcome, whatever the word', () => {
  const outcomeOf = new Map(
    categories.map((category) => [categoryTable[category].v3.status, categoryTable[category].outcome]),
  );
  for (const { v3, outcome } of Object.values(categoryTable)) expect(outcomeOf.get(v3.status)).toBe(outcome);
});

it('each word is in one list only, and none is the name of a category', () => {
  const words = [apnsReasons, fcmReasons, oauthReasons, webPushReasons].flatMap((reasons) => Object.keys(reasons));
  expect(new Set([...words, ...categories]).size).toBe(words.length + categories.length);
});

it('a bare word that counts as another category has another outcome or another effect on the circuit', () => {
  for (const [word, row] of Object.entries(bareReasons)) {
    const category = apnsReasons[word as keyof typeof bareReasons];
    const [own, bare] = [categoryTable[category], categoryTable[row.as]];
    expect([word, own.outcome, own.isOutage]).not.toEqual([word, bare.outcome, bare.isOutage]);
  }
});
