import { PassThrough } from 'node:stream';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { createEvents } from './events.ts';

const bounds = { maxSubscribers: 1, maxWaitingBytes: 100_000, heartbeatMs: 60_000 };

it('drops a subscriber that does not read, and makes room for the next', async () => {
  const events = createEvents(bounds);
  const slow = new PassThrough();
  const closed = once(slow, 'close');
  events.subscribe(slow);
  expect(events.isFull()).toBe(true);
  for (let id = 1; id <= 20; id += 1) events.publish(id, 'x'.repeat(10_000));
  await closed;
  expect(events.isFull()).toBe(false);
  events.close();
});

it('sends comments as a heartbeat', async () => {
  const events = createEvents({ ...bounds, heartbeatMs: 1 });
  const subscriber = new PassThrough();
  events.subscribe(subscriber);
  let text = '';
  for await (const chunk of subscriber) {
    text += String(chunk);
    if (text.includes(': still here')) break;
  }
  expect(text).toContain(': still here\n\n');
  events.close();
});
