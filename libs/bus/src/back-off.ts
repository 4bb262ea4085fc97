import { setTimeout as sleep } from 'node:timers/promises';
import { backOffMs } from '@pushmesh/async';

/** Waits before the next attempt, but no longer than until the signal is aborted. */
export const backOff = (attempt: number, signal: AbortSignal): Promise<void> =>
  sleep(backOffMs(bounds, attempt, 'full', Math.random()), undefined, { signal }).catch(() => {});

const bounds = { firstMs: 200, maxMs: 5_000 };
