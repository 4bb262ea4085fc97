import { expect, it } from 'vitest';
import { createOriginCircuits } from './origin-circuits.ts';

const open = () => {
  const time = { now: 1_000_000 };
  const counts: number[] = [];
  const onOut = (count: number) => counts.push(count);
  const circuits = createOriginCircuits({ clock: () => time.now, random: () => 1, tryMs: 5_000, onOut });
  const fail = (count: number, retryAfterSeconds?: number) => {
    for (let n = 0; n < count; n += 1) circuits.failed('a', retryAfterSeconds);
  };
  return { time, circuits, fail, counts };
};

it('holds back an origin that failed three times in a row, and no other', () => {
  const { circuits, fail } = open();
  fail(2);
  expect(circuits.waitMs('a')).toBe(0);
  circuits.worked('a');
  fail(2);
  expect(circuits.waitMs('a')).toBe(0);
  expect([circuits.failed('a'), circuits.failed('a')]).toEqual([30_000, 30_000]);
  expect(circuits.waitMs('a')).toBe(30_000);
  expect(circuits.waitMs('b')).toBe(0);
  expect(circuits.out()).toBe(1);
});

it('allows one attempt after the wait, doubles the wait if it fails, up to five minutes, and closes the circuit if it succeeds', () => {
  const { time, circuits, fail } = open();
  fail(3);
  for (const next of [60_000, 120_000, 240_000, 300_000, 300_000]) {
    time.now += circuits.waitMs('a');
    expect([circuits.waitMs('a'), circuits.waitMs('a')]).toEqual([0, Math.min(5_000 + next, 300_000)]);
    fail(1);
    expect(circuits.waitMs('a')).toBe(next);
  }
  circuits.worked('a');
  expect(circuits.waitMs('a')).toBe(0);
});

it('tries again if nobody reports how the attempt went', () => {
  const { time, circuits, fail } = open();
  fail(3);
  time.now += 30_000;
  expect(circuits.waitMs('a')).toBe(0);
  time.now += 5_000;
  expect(circuits.waitMs('a')).toBe(0);
});

it('counts the pushes that were under way when it opened as one failure', () => {
  const { circuits, fail } = open();
  fail(30);
  expect(circuits.waitMs('a')).toBe(30_000);
});

it('waits as long as the push service asks, but at most five minutes', () => {
  const { circuits, fail } = open();
  fail(3, 120);
  expect(circuits.waitMs('a')).toBe(120_000);
  const other = open();
  other.fail(3, 999_999_999);
  expect(other.circuits.waitMs('a')).toBe(300_000);
});

it('reports how many origins are down when that changes', () => {
  const { circuits, fail, counts } = open();
  fail(4);
  for (let n = 0; n < 3; n += 1) circuits.failed('b');
  circuits.failed('c');
  circuits.worked('c');
  circuits.worked('a');
  expect(counts).toEqual([1, 2, 1]);
  for (let n = 0; n < 10_000; n += 1) circuits.failed(`origin-${n}`);
  expect(counts).toEqual([1, 2, 1, 0]);
});

it('forgets only an origin that nobody has pushed to for an hour since it could be tried', () => {
  const { time, circuits, fail, counts } = open();
  fail(3);
  time.now += 30_000 + 3_600_000;
  circuits.forgetUnused();
  expect(circuits.out()).toBe(1);
  for (let n = 0; n < 3; n += 1) circuits.failed('b');
  time.now += 1;
  circuits.forgetUnused();
  expect([circuits.waitMs('a'), circuits.waitMs('b')]).toEqual([0, 29_999]);
  expect(counts).toEqual([1, 2, 1]);
});

it('remembers at most ten thousand, and forgets the oldest', () => {
  const { circuits, fail } = open();
  fail(3);
  for (let n = 0; n < 9_999; n += 1) circuits.failed(`origin-${n}`);
  expect(circuits.waitMs('a')).toBe(30_000);
  circuits.failed('one-more');
  expect(circuits.waitMs('a')).toBe(0);
});
