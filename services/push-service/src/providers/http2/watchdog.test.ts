import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createWatchdog } from './watchdog.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const start = () => {
  let busy = false;
  let answer = () => {};
  const heard = { pings: 0, silences: 0 };
  const watchdog = createWatchdog(
    { pingEveryMs: 10_000, pingTimeoutMs: 2_000 },
    {
      isBusy: () => busy,
      ping: (onAnswer) => {
        heard.pings += 1;
        answer = onAnswer;
      },
      onSilence: () => {
        heard.silences += 1;
      },
    },
  );
  watchdog.start();
  return { watchdog, heard, answer: () => answer(), setBusy: (value: boolean) => void (busy = value) };
};

it('sends an idle peer a PING now and then', () => {
  const { heard, answer } = start();
  vi.advanceTimersByTime(10_000);
  expect(heard.pings).toBe(0);
  vi.advanceTimersByTime(1_000);
  expect(heard.pings).toBe(1);
  answer();
  vi.advanceTimersByTime(10_000);
  expect(heard).toEqual({ pings: 1, silences: 0 });
});

it('sends a PING after a second or two without a sign of life, only to a peer that owes an answer', () => {
  const { watchdog, heard, setBusy } = start();
  setBusy(true);
  for (let n = 0; n < 20; n += 1) {
    watchdog.alive();
    vi.advanceTimersByTime(500);
  }
  expect(heard.pings).toBe(0);
  vi.advanceTimersByTime(2_000);
  expect(heard.pings).toBe(1);
});

it('raises the alarm if the answer does not come, unless something else came', () => {
  const silent = start();
  silent.watchdog.ask();
  silent.watchdog.ask();
  vi.advanceTimersByTime(2_001);
  expect(silent.heard).toEqual({ pings: 1, silences: 1 });
  const slow = start();
  slow.watchdog.ask();
  vi.advanceTimersByTime(1_000);
  slow.watchdog.alive();
  vi.advanceTimersByTime(5_000);
  expect(slow.heard).toEqual({ pings: 1, silences: 0 });
});

it('is quiet once it is stopped', () => {
  const { watchdog, heard } = start();
  watchdog.ask();
  watchdog.stop();
  watchdog.ask();
  vi.advanceTimersByTime(60_000);
  expect(heard).toEqual({ pings: 1, silences: 0 });
  expect(vi.getTimerCount()).toBe(0);
});
