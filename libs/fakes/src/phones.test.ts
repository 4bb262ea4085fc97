import { expect, it } from 'vitest';
import type { FakeService } from './fault.ts';
import { createPhones } from './phones.ts';

const received = (id: number, device_id: string, length: number, service: FakeService = 'fcm') => ({
  id,
  device_id,
  service,
  received_at: id,
  provider: { text: 'x'.repeat(length) },
});

it('limits the bytes of all phones together, and evicts the oldest of the phone that has received nothing for longest', () => {
  let evicted = 0;
  const bounds = { maxPhones: 10, maxNotifications: 10, maxBytes: 5_000 };
  const phones = createPhones(bounds, (count) => {
    evicted += count;
  });
  const ids = () => ['a', 'b'].map((device) => phones.of(device).map(({ id }) => id));
  for (const id of [1, 2]) phones.add(received(id, 'a', 1_500));
  phones.add(received(3, 'b', 1_500));
  expect(ids()).toEqual([[1, 2], [3]]);
  phones.add(received(4, 'b', 1_500));
  expect(ids()).toEqual([[2], [3, 4]]);
  phones.add(received(5, 'b', 3_000));
  expect(ids()).toEqual([[], [4, 5]]);
  expect(phones.list()).toEqual([{ device_id: 'b', services: ['fcm'], notifications: 2, last_received_at: 5 }]);
  expect(evicted).toBe(3);
  phones.add(received(6, 'a', 6_000));
  expect(ids()).toEqual([[], []]);
  expect(evicted).toBe(6);
});

it('lists each service that reached a phone once', () => {
  const phones = createPhones({ maxPhones: 10, maxNotifications: 3 }, () => {});
  for (const [id, service] of (['webpush', 'fcm', 'apns', 'apns'] as const).entries())
    phones.add(received(id, 'a', 1, service));
  expect(phones.list()).toMatchObject([{ device_id: 'a', services: ['fcm', 'apns'], notifications: 3 }]);
});
