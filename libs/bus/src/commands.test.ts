import type { Msg } from '@nats-io/transport-node';
import { commandMessages, repliesMessage } from '@pushmesh/contracts';
import type { Reply } from '@pushmesh/contracts';
import { createLog } from '@pushmesh/telemetry';
import { describe, expect, it } from 'vitest';
import { createAnswerer, openCommands } from './commands.ts';
import type { Asked } from './inbox.ts';

const log = createLog('test', 'silent');
const command = (node: string) => ({ v: 1 as const, host: 'h', node, publisher: 'p' });
const allowed = (version: number): Reply => ({ v: 1, type: 'allowed', version });

describe('asking', () => {
  /** An inbox that gives every message the same answer. */
  const askerOf = (asked: Asked) => {
    let sent = 0;
    const ask = (_subject: string, encode: () => Uint8Array): Promise<Asked> => {
      sent += 1;
      return new Promise((resolve) => setImmediate(() => (encode(), resolve(asked))));
    };
    const request = openCommands({ ask }, '', log);
    return { ask: (node: string) => request('authorise-publish', command(node), 'tp'), sent: () => sent };
  };
  const answer = (data: Uint8Array): Asked => ({ type: 'answer', msg: { data } as Msg });

  it('gives each the reply at its place, and says unreadable where there is none', async () => {
    const { ask, sent } = askerOf(answer(repliesMessage.encode([allowed(1), allowed(2)])));
    const replies = await Promise.all(['a', 'b', 'c'].map(ask));
    expect(replies).toEqual([allowed(1), allowed(2), { v: 1, type: 'unreadable' }]);
    expect(sent()).toBe(1);
    expect(await ask('d')).toEqual(allowed(1));
    expect(sent()).toBe(2);
  });

  it('tells all of a message that had no answer, and asks anew', async () => {
    const { ask, sent } = askerOf({ type: 'full' });
    expect(await Promise.all(['a', 'b'].map(ask))).toEqual([{ type: 'full' }, { type: 'full' }]);
    expect(await ask('c')).toEqual({ type: 'full' });
    expect(sent()).toBe(2);
  });

  it('an answer that cannot be read is unreadable for all', async () => {
    const { ask } = askerOf(answer(Buffer.from('{}')));
    const unreadable = { v: 1, type: 'unreadable' };
    expect(await Promise.all(['a', 'b'].map(ask))).toEqual([unreadable, unreadable]);
  });
});

describe('answering', () => {
  const message = (...nodes: string[]) => {
    const given: (readonly Reply[])[] = [];
    const msg = {
      subject: 'command.authorise-publish',
      data: commandMessages['authorise-publish'].encode(
        nodes.map((node) => ({ traceparent: '', command: command(node) })),
      ),
      respond: (data: Uint8Array) => {
        const decoded = repliesMessage.decode(data);
        if (decoded.ok) given.push(decoded.value);
      },
    };
    return { msg: msg as never as Msg, given };
  };

  it('refuses what is too much inside one message, and only that; a bug is unavailable for its command alone', async () => {
    const answerer = createAnswerer(
      (_type, asked) =>
        'node' in asked && asked.node === 'bug' ? Promise.reject(new TypeError('bug')) : Promise.resolve(allowed(1)),
      2,
      log,
    );
    const { msg, given } = message('bug', 'a', 'b');
    await answerer.answer(msg);
    const unavailable = { v: 1, type: 'unavailable' };
    await expect.poll(() => given).toEqual([[unavailable, allowed(1), unavailable]]);
  });

  it('has drained when everything that it took is answered', async () => {
    const waiting: (() => void)[] = [];
    const answerer = createAnswerer(() => new Promise((resolve) => waiting.push(() => resolve(allowed(1)))), 10, log);
    const { msg } = message('a', 'b');
    void answerer.answer(msg);
    let drained = false;
    const drain = answerer.drain().then(() => (drained = true));
    waiting[0]?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(drained).toBe(false);
    waiting[1]?.();
    await drain;
    await answerer.drain();
  });
});
