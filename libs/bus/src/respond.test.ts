import type { Msg } from '@nats-io/transport-node';
import { commandMessages, repliesMessage } from '@pushmesh/contracts';
import type { Reply } from '@pushmesh/contracts';
import { createLog } from '@pushmesh/telemetry';
import { expect, it } from 'vitest';
import { createResponder } from './respond.ts';

const log = createLog('test', 'silent');
const allowed: Reply = { v: 1, type: 'allowed', version: 1 };

/** A message of commands, one for each node, and the replies to it. */
const messageOf = (...nodes: string[]) => {
  const replies: (readonly Reply[])[] = [];
  const msg = {
    subject: 'command.authorise-publish',
    data: commandMessages['authorise-publish'].encode(
      nodes.map((node) => ({ traceparent: '', command: { v: 1, host: 'h', node, publisher: 'p' } })),
    ),
    respond: (data: Uint8Array) => {
      const decoded = repliesMessage.decode(data);
      if (decoded.ok) replies.push(decoded.value);
    },
  };
  return { msg: msg as never as Msg, replies };
};

it('refuses only the commands beyond its bound, also within one message; a bug is unavailable for its command alone', async () => {
  const responder = createResponder(
    (_type, command) =>
      'node' in command && command.node === 'bug' ? Promise.reject(new TypeError('bug')) : Promise.resolve(allowed),
    2,
    log,
  );
  const { msg, replies } = messageOf('bug', 'a', 'b');
  await responder.respond(msg);
  const unavailable = { v: 1, type: 'unavailable' };
  await expect.poll(() => replies).toEqual([[unavailable, allowed, unavailable]]);
});

it('has drained once everything that it took has its reply', async () => {
  const waiting: (() => void)[] = [];
  const responder = createResponder(() => new Promise((resolve) => waiting.push(() => resolve(allowed))), 10, log);
  const { msg } = messageOf('a', 'b');
  void responder.respond(msg);
  let drained = false;
  const drain = responder.drain().then(() => (drained = true));
  waiting[0]?.();
  await new Promise((resolve) => setImmediate(resolve));
  expect(drained).toBe(false);
  waiting[1]?.();
  await drain;
  await responder.drain();
});
