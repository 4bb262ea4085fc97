import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { KnownOfFakes } from '../../fakes/fakes.ts';
import type { Fault } from '../../fakes/fault.ts';
import type { PhoneSummary } from '../../fakes/phones.ts';
import type { Received } from '../../fakes/received.ts';

export type Bounds = {
  readonly maxPhones: number;
  /** For each phone. */
  readonly maxNotifications: number;
};

/** What may be asked of the thread, and what it answers. */
export type Question =
  | { readonly type: 'phones' }
  | { readonly type: 'phone'; readonly deviceId: string }
  | { readonly type: 'subscribe'; readonly deviceId: string }
  | { readonly type: 'faults'; readonly faults: readonly Fault[] }
  | { readonly type: 'listen'; readonly on: boolean }
  | { readonly type: 'hurry' };
export type Asked = {
  readonly phones: readonly PhoneSummary[];
  readonly phone: readonly Received[];
  /** The JSON text of a Web Push subscription. */
  readonly subscribe: string;
  readonly faults: void;
  readonly listen: void;
  readonly hurry: void;
};

export type Said =
  | { readonly type: 'ready'; readonly known: KnownOfFakes }
  | { readonly type: 'received'; readonly received: Received }
  | { readonly type: 'evicted'; readonly count: number }
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown };

type Options = {
  readonly bounds: Bounds;
  readonly onReceived: (received: Received) => void;
  readonly onEvicted: (count: number) => void;
};

/**
 * The fakes on a thread of their own, so that they take nothing from the service that pushes to them: on one thread a push
 * costs the sum of both. What arrives stays there until somebody asks.
 */
export const startFakesThread = async ({ bounds, onReceived, onEvicted }: Options) => {
  const worker = new Worker(new URL('./thread.ts', import.meta.url), {
    workerData: bounds,
    // Enough for what the phones may hold; with Node's own limits it would grow to several times of that before it is cleared.
    resourceLimits: { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 512 },
  });
  const waiting = new Map<number, (answer: unknown) => void>();
  let questions = 0;

  const [ready] = (await once(worker, 'message')) as [Extract<Said, { type: 'ready' }>];
  worker.on('message', (said: Exclude<Said, { type: 'ready' }>) => {
    switch (said.type) {
      case 'received':
        return onReceived(said.received);
      case 'evicted':
        return onEvicted(said.count);
      case 'answer':
        waiting.get(said.id)?.(said.answer);
        return void waiting.delete(said.id);
    }
  });

  return {
    known: ready.known,
    ask: <Q extends Question>(question: Q): Promise<Asked[Q['type']]> =>
      new Promise((resolve) => {
        questions += 1;
        waiting.set(questions, resolve as (answer: unknown) => void);
        worker.postMessage({ id: questions, question });
      }),
    stop: async (): Promise<void> => {
      await worker.terminate();
    },
  };
};

export type FakesThread = Awaited<ReturnType<typeof startFakesThread>>;
