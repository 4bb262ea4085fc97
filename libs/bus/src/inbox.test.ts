import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { expect, it, vi } from 'vitest';
import type { Connection } from './connection.ts';
import { openInbox } from './inbox.ts';

/** A connection that keeps what is published, and hands in answers. */
const openFake = () => {
  const replies: string[] = [];
  let take: (error: Error | null, msg: Msg) => void = () => {};
  const nats = {
    publish: (_subject: string, _data: Uint8Array, { reply }: { reply: string }) => replies.push(reply),
    subscribe: (_subject: string, { callback }: { callback: typeof take }) => {
      take = callback;
      return { isClosed: () => false };
    },
  };
  let lose = () => {};
  const connection = {
    current: () => nats,
    onReady: (listener: (ready: NatsConnection) => void) => listener(nats as never),
    onLost: (listener: () => void) => (lose = listener),
  };
  const answer = (subject: string | undefined) => take(null, { subject: subject ?? '' } as Msg);
  return { connection: connection as never as Connection, replies, answer, lose: () => lose() };
};

const data = () => new Uint8Array();

it('a late answer is nobody’s, also when its place has another question by now', async () => {
  const { connection, replies, answer } = openFake();
  const inbox = openInbox(connection, { timeoutMs: 1_500, maxInFlight: 1 });
  expect(await inbox.ask('s', data)).toEqual({ type: 'timeout' });
  const asked = inbox.ask('s', data);
  await expect.poll(() => replies.length).toBe(2);
  const places = replies.map((reply) => reply.split('.').at(-1)?.split('-')[0]);
  expect(places[1]).toBe(places[0]);
  answer(replies[0]);
  expect(await Promise.race([asked, Promise.resolve('nothing yet')])).toBe('nothing yet');
  answer(replies[1]);
  expect(await asked).toMatchObject({ type: 'answer' });
});

it('asks no more than it may at a time, and everybody is told when the connection is lost', async () => {
  const { connection, lose, replies } = openFake();
  const inbox = openInbox(connection, { timeoutMs: 60_000, maxInFlight: 2 });
  const both = [inbox.ask('s', data), inbox.ask('s', data)];
  expect(await inbox.ask('s', data)).toEqual({ type: 'full' });
  lose();
  expect(await Promise.all(both)).toEqual([{ type: 'disconnected' }, { type: 'disconnected' }]);
  expect(replies).toEqual([]);
});

it.each([
  ['back', -3_600_000, 10, 'timeout'],
  ['forward', 3_600_000, 600_000, 'nothing yet'],
])('waits as long as it should when the clock is set %s', async (_way, byMs, timeoutMs, expected) => {
  const inbox = openInbox(openFake().connection, { timeoutMs, maxInFlight: 1 });
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    const asked = inbox.ask('s', data).then(({ type }) => type);
    vi.setSystemTime(Date.now() + byMs);
    const later = new Promise((resolve) => setTimeout(resolve, 3_000, 'nothing yet'));
    expect(await Promise.race([asked, later])).toBe(expected);
  } finally {
    vi.useRealTimers();
    inbox.close();
  }
});
