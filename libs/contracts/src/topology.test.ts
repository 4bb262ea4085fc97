import { expect, it } from 'vitest';
import {
  allDurables,
  deliveryDurable,
  durables,
  ends,
  modes,
  outcomes,
  policies,
  prefixedStream,
  prefixedSubject,
  pushServices,
  streams,
  subjects,
} from './index.ts';

const matches = (filter: string, subject: string): boolean =>
  new RegExp(`^${filter.replaceAll('.', '\\.').replaceAll('*', '[^.]+')}$`).test(subject);

const everySubject = [
  subjects.unverifiedPublish,
  ...ends.map((end) => subjects.result(end)),
  ...pushServices.flatMap((service) => [
    subjects.parked(service),
    ...modes.map((mode) => subjects.delivery(service, mode)),
  ]),
];

it.each(everySubject)('%s is in exactly one stream', (subject) => {
  const owners = Object.values(streams).filter((stream) => stream.subjects.some((filter) => matches(filter, subject)));
  expect(owners).toHaveLength(1);
});

it('every delivery subject has its own durable: a work queue refuses overlapping ones', () => {
  for (const service of pushServices)
    for (const mode of modes) {
      const takers = allDurables.filter(({ filter }) => matches(filter, subjects.delivery(service, mode)));
      expect(takers).toEqual([deliveryDurable(service, mode)]);
    }
});

it('the feedback durable takes every end that can retire a push node, and no other', () => {
  const retiring = new Set(
    outcomes.map((outcome) => policies[outcome]).map((p) => p.step === 'end' && p.retires && p.end),
  );
  for (const end of ends)
    expect([end, matches(durables.feedback.filter, subjects.result(end))]).toEqual([end, retiring.has(end)]);
});

it('the streams of pushes that have not ended refuse when full, and never drop the oldest', () => {
  for (const stream of [streams.events, streams.deliveries]) expect(stream.discard).toBe('new');
});

it('a prefix precedes every subject, and in capitals every stream name', () => {
  expect([prefixedSubject('eu-west', 'push.event.publish'), prefixedSubject('', 'push.event.publish')]).toEqual([
    'eu-west.push.event.publish',
    'push.event.publish',
  ]);
  expect([prefixedStream('eu-west', 'PUSH_EVENTS'), prefixedStream('', 'PUSH_EVENTS')]).toEqual([
    'EU_WEST_PUSH_EVENTS',
    'PUSH_EVENTS',
  ]);
});
