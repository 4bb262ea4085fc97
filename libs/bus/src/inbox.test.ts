import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { expect, it, vi } from 'vitest';
import { openInbox } from './inbox.ts';
import type { NatsLink } from './nats-link.ts';

/** A link that records what is published, and delivers replies. */
const openFake = () => {
  const inboxes: string[] = [];
  let deliver: (error: Error | null, msg: Msg) => void = () => {};
  const nats = {
    publish: (_subject: string, _data: Uint8Array, { reply }: { reply: string }) => inboxes.push(reply),
    subscribe: (_subject: string, { callback }: { callback: typeof deliver }) => {
      deliver = callback;
      return { isClosed: () => false };
    },
  };
  let lose = () => {};
  const link = {
    current: () => nats,
    onReady: (listener: (ready: NatsConnection) => void) => listener(nats as never),
    onLost: (listener: () => void) => (lose = listener),
  };
  const reply = (subject: string | undefined) => deliver(null, { subject: subject ?? '' } as Msg);
  return { link: link as never as NatsLink, inboxes, reply, lose: () => lose() };
};

const data = () => new Uint8Array();

it('ignores a late reply, even if another request has its slot by then', async () => {
  const { link, inboxes, reply } = openFake();
  const inbox = openInbox(link, { timeoutMs: 1_500, maxInFlight: 1 });
  expect(await inbox.request('s', data)).toEqual({ type: 'timeout' });
  const outcome = inbox.request('s', data);
  await expect.poll(() => inboxes.length).toBe(2);
  const slots = inboxes.map((each) => each.split('.').at(-1)?.split('-')[0]);
  expect(slots[1]).toBe(slots[0]);
  reply(inboxes[0]);
  expect(await Promise.race([outcome, Promise.resolve('nothing yet')])).toBe('nothing yet');
  reply(inboxes[1]);
  expect(await outcome).toMatchObject({ type: 'reply' });
});

it('sends no more requests than its bound, and ends all of them when the connection is lost', async () => {
  const { link, lose, inboxes } = openFake();
  const inbox = openInbox(link, { timeoutMs: 60_000, maxInFlight: 2 });
  const both = [inbox.request('s', data), inbox.request('s', data)];
  expect(await inbox.request('s', data)).toEqual({ type: 'full' });
  lose();
  expect(await Promise.all(both)).toEqual([{ type: 'disconnected' }, { type: 'disconnected' }]);
  expect(inboxes).toEqual([]);
});

it.each([
  ['back', -3_600_000, 10, 'timeout'],
  ['forward', 3_600_000, 600_000, 'nothing yet'],
])('waits as long as it should when the system clock is set %s', async (_way, byMs, timeoutMs, expected) => {
  const inbox = openInbox(openFake().link, { timeoutMs, maxInFlight: 1 });
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    const outcome = inbox.request('s', data).then(({ type }) => type);
    vi.setSystemTime(Date.now() + byMs);
    const later = new Promise((resolve) => setTimeout(resolve, 3_000, 'nothing yet'));
    expect(await Promise.race([outcome, later])).toBe(expected);
  } finally {
    vi.useRealTimers();
    inbox.close();
  }
});
