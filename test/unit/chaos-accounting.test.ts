import { expect, it } from 'vitest';
import { accountFor } from '../chaos/accounting.ts';

const publish = (text: string, answer: string | undefined) => ({ text, id: `id of ${text}`, at: 1_000, answer });

it('counts an accepted publish as delivered only if it was both recorded and received', () => {
  const publishes = [
    publish('arrived', 'result'),
    publish('received twice', 'result'),
    publish('recorded, not received', 'result'),
    publish('received, not recorded', 'result'),
    publish('neither', 'result'),
    publish('expired', 'result'),
    publish('waits', 'wait internal-server-error'),
    publish('refused', 'cancel item-not-found'),
    publish('unanswered', undefined),
    publish('unanswered and arrived', undefined),
  ];
  const received = new Map([
    ['arrived', { times: 1, firstAt: 1_250 }],
    ['received twice', { times: 2, firstAt: 1_500 }],
    ['received, not recorded', { times: 1, firstAt: 1_100 }],
    ['unanswered and arrived', { times: 1, firstAt: 9_000 }],
    ['of an earlier fault', { times: 9, firstAt: 1 }],
  ]);
  const ends = new Map([
    ['id of arrived', 'delivered'],
    ['id of received twice', 'delivered'],
    ['id of recorded, not received', 'delivered'],
    ['id of expired', 'expired'],
    ['id of unanswered and arrived', 'delivered'],
  ] as const);
  expect(accountFor(publishes, received, ends)).toEqual({
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
