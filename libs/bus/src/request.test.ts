import type { Msg } from '@nats-io/transport-node';
import { repliesMessage } from '@pushmesh/contracts';
import type { Reply } from '@pushmesh/contracts';
import { createLog } from '@pushmesh/telemetry';
import { expect, it } from 'vitest';
import type { RequestOutcome } from './inbox.ts';
import { createRequester } from './request.ts';

const allowed = (version: number): Reply => ({ v: 1, type: 'allowed', version });
const reply = (data: Uint8Array): RequestOutcome => ({ type: 'reply', msg: { data } as Msg });

/** A requester whose messages all end in the same way. */
const requesterOf = (outcome: RequestOutcome) => {
  let sent = 0;
  const replies = {
    request: (_subject: string, encode: () => Uint8Array): Promise<RequestOutcome> => {
      sent += 1;
      return new Promise((resolve) => setImmediate(() => (encode(), resolve(outcome))));
    },
  };
  const request = createRequester({ replies, prefix: '', log: createLog('test', 'silent') });
  const authorise = (node: string) => request('authorise-publish', { v: 1, host: 'h', node, publisher: 'p' }, 'tp');
  return { authorise, sent: () => sent };
};

it('gives each command the reply at its index, or unreadable if there is none', async () => {
  const { authorise, sent } = requesterOf(reply(repliesMessage.encode([allowed(1), allowed(2)])));
  const replies = await Promise.all(['a', 'b', 'c'].map(authorise));
  expect(replies).toEqual([allowed(1), allowed(2), { v: 1, type: 'unreadable' }]);
  expect(sent()).toBe(1);
  expect(await authorise('d')).toEqual(allowed(1));
  expect(sent()).toBe(2);
});

it('fails every command of a message that gets no reply, and sends the next one', async () => {
  const { authorise, sent } = requesterOf({ type: 'full' });
  expect(await Promise.all(['a', 'b'].map(authorise))).toEqual([{ type: 'full' }, { type: 'full' }]);
  expect(await authorise('c')).toEqual({ type: 'full' });
  expect(sent()).toBe(2);
});

it('reports every command of a message as unreadable if its replies cannot be read', async () => {
  const { authorise } = requesterOf(reply(Buffer.from('{}')));
  const unreadable = { v: 1, type: 'unreadable' };
  expect(await Promise.all(['a', 'b'].map(authorise))).toEqual([unreadable, unreadable]);
});
