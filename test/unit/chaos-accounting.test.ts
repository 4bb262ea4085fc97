import { expect, it } from 'vitest';
import { billOf } from '../chaos/accounting.ts';

const publish = (text: string, answer: string | undefined) => ({ text, id: `id of ${text}`, at: 1_000, answer });

it('finds what was accepted and did not arrive, whatever only the one or the other witness says', () => {
  const publishes = [
    publish('arrived', 'result'),
    publish('shown twice', 'result'),
    publish('recorded, not shown', 'result'),
    publish('shown, not recorded', 'result'),
    publish('neither', 'result'),
    publish('expired', 'result'),
    publish('waits', 'wait internal-server-error'),
    publish('refused', 'cancel item-not-found'),
    publish('unanswered', undefined),
    publish('unanswered and arrived', undefined),
  ];
  const shown = new Map([
    ['arrived', { times: 1, at: 1_250 }],
    ['shown twice', { times: 2, at: 1_500 }],
    ['shown, not recorded', { times: 1, at: 1_100 }],
    ['unanswered and arrived', { times: 1, at: 9_000 }],
    ['of an earlier fault', { times: 9, at: 1 }],
  ]);
  const ends = new Map([
    ['id of arrived', 'delivered'],
    ['id of shown twice', 'delivered'],
    ['id of recorded, not shown', 'delivered'],
    ['id of expired', 'expired'],
    ['id of unanswered and arrived', 'delivered'],
  ] as const);
  expect(billOf(publishes, shown, ends)).toEqual({
    published: 10,
    accepted: 6,
    waits: 1,
    refused: ['cancel item-not-found'],
    unanswered: 2,
    deliveredUnanswered: 1,
    delivered: 2,
    endedOtherwise: 1,
    lost: 3,
    duplicates: 1,
    longestDelayMs: 500,
  });
});
